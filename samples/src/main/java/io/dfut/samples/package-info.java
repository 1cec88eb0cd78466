/** Programs that show the library at work, from one line to a cluster under failure. */
package io.dfut.samples;
