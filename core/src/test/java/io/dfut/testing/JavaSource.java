package io.dfut.testing;

import java.net.URI;
import javax.tools.SimpleJavaFileObject;

/** A source file in memory, for the compiler. */
public final class JavaSource extends SimpleJavaFileObject {
  private final String text;

  /**
   * @param path below the root of the sources
   */
  public JavaSource(String path, String text) {
    super(URI.create("string:///" + path), Kind.SOURCE);
    this.text = text;
  }

  @Override
  public CharSequence getCharContent(boolean ignoreEncodingErrors) {
    return text;
  }
}
