package io.dfut.samples.bench;

import java.util.List;
import java.util.Locale;

/**
 * A curve or several, as an SVG picture.
 *
 * @param logX whether equal steps along the x axis are equal factors; then every x is positive
 */
record Plot(String title, String xLabel, String yLabel, boolean logX, List<Series> series) {
  /** A point of a curve. */
  record Point(double x, double y) {}

  /** One curve, in the order of its points. */
  record Series(String name, List<Point> points) {}

  private static final int WIDTH = 640;
  private static final int HEIGHT = 360;
  private static final int LEFT = 80;
  private static final int RIGHT = 20;
  private static final int TOP = 40;
  private static final int BOTTOM = 60;
  private static final int LINES = 5;
  private static final List<String> COLOURS = List.of("#1f77b4", "#d62728", "#2ca02c", "#9467bd");

  /** The picture, a file's content. */
  String svg() {
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
        <rect width="100%%" height="100%%" fill="white"/>
        """
            .formatted(WIDTH, HEIGHT));
    text(svg, WIDTH / 2.0, TOP - 16, "middle", title);
    text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 28, "middle", xLabel);
    svg.append(
        "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>%n"
            .formatted((TOP + HEIGHT - BOTTOM) / 2, escaped(yLabel)));
    double step = stepY();
    for (int i = 0; i <= LINES; i++) {
      double y = y(i * step);
      line(svg, LEFT, y, WIDTH - RIGHT, y, i == 0 ? "black" : "#dddddd");
      text(svg, LEFT - 6, y + 4, "end", number(i * step));
    }
    line(svg, LEFT, TOP, LEFT, HEIGHT - BOTTOM, "black");
    allX().forEach(x -> text(svg, x(x), HEIGHT - BOTTOM + 16, "middle", number(x)));
    for (int i = 0; i < series.size(); i++) {
      draw(svg, series.get(i), i);
    }
    return svg.append("</svg>\n").toString();
  }

  private void draw(StringBuilder svg, Series drawn, int index) {
    String colour = COLOURS.get(index % COLOURS.size());
    svg.append("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"").append(colour);
    svg.append("\" points=\"");
    for (Point point : drawn.points()) {
      svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(point.x()), y(point.y())));
    }
    svg.append("\"/>\n");
    for (Point point : drawn.points()) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>%n",
              x(point.x()),
              y(point.y()),
              colour));
    }
    if (series.size() > 1) {
      double at = LEFT + 8 + index * (WIDTH - LEFT - RIGHT) / (double) series.size();
      svg.append(
          String.format(
              Locale.ROOT,
              "<text x=\"%.1f\" y=\"%d\" fill=\"%s\">%s</text>%n",
              at,
              HEIGHT - 8,
              colour,
              escaped(drawn.name())));
    }
  }

  private List<Double> allX() {
    return series.stream()
        .flatMap(drawn -> drawn.points().stream())
        .map(Point::x)
        .distinct()
        .sorted()
        .toList();
  }

  private double x(double value) {
    List<Double> all = allX();
    double from = scaled(all.getFirst());
    double to = scaled(all.getLast());
    double share = to == from ? 0.5 : (scaled(value) - from) / (to - from);
    return LEFT + 20 + share * (WIDTH - LEFT - RIGHT - 40);
  }

  private double scaled(double x) {
    return logX ? Math.log(x) : x;
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - value / (LINES * stepY()) * (HEIGHT - BOTTOM - TOP);
  }

  /** A round number, so that a few of them are as much as the largest y. */
  private double stepY() {
    double most =
        series.stream()
            .flatMap(drawn -> drawn.points().stream())
            .mapToDouble(Point::y)
            .max()
            .orElseThrow();
    double least = Math.max(most, Double.MIN_NORMAL) / LINES;
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    for (double factor : new double[] {1, 2, 2.5, 5}) {
      if (factor * power >= least) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  private static String number(double value) {
    if (value >= 1e6) {
      return String.format(Locale.ROOT, "%sM", shortest(value / 1e6));
    }
    return value >= 1e4
        ? String.format(Locale.ROOT, "%sk", shortest(value / 1e3))
        : shortest(value);
  }

  private static String shortest(double value) {
    String text = String.format(Locale.ROOT, "%.3f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
            x,
            y,
            anchor,
            escaped(text)));
  }

  private static void line(
      StringBuilder svg, double fromX, double fromY, double toX, double toY, String colour) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>%n",
            fromX,
            fromY,
            toX,
            toY,
            colour));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
