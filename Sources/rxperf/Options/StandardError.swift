import Glibc

/// A line on standard error, with the program's name.
func complain(_ text: String) {
  var line = "rxperf: " + text + "\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
