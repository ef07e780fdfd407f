import ArgumentParser
import Glibc

/// What could not be done, though the command line is right: one line, and exit status 1.
struct RunFailure: Error, Equatable, CustomStringConvertible {
  let text: String
  var description: String { text }

  init(_ text: String) {
    self.text = text
  }

  /// Runs the command's work and says what has gone wrong.
  static func reported(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let failure as RunFailure {
      var line = "afsmock: \(failure.text)\n"
      line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      throw ExitCode.failure
    }
  }
}
