/// What is wrong with an interface file, and where.
package struct RxGenError: Error, Hashable, Sendable, CustomStringConvertible {
  package var file: String
  /// Counted from 1; 0 when the file as a whole is meant.
  package var line: Int
  package var message: String

  package init(file: String, line: Int, message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  package var description: String { line > 0 ? "\(file):\(line): \(message)" : "\(file): \(message)" }
}
