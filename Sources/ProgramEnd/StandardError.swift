import Glibc

/// Writes a line on standard error, with the program's name.
package func complain(_ text: String, of program: String) {
  var line = "\(program): \(text)\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
