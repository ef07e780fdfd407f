internal import ArgumentParser

/// What could not be done, though the command line is right: one line, and exit status 1.
package struct RunFailure: Error, Equatable, CustomStringConvertible {
  package let text: String
  package var description: String { text }

  package init(_ text: String) {
    self.text = text
  }

  /// Runs the work of a command of `program` and says what has gone wrong.
  package static func reported(by program: String, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let failure as RunFailure {
      complain(failure.text, of: program)
      throw ExitCode.failure
    }
  }
}
