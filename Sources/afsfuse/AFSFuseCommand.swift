import ArgumentParser
import Glibc

/// The command `afsfuse`.
@main
struct AFSFuseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "afsfuse",
    abstract: "Mounts AFS cells without a kernel module.",
    discussion: """
      A mount is served by a daemon of its own, which runs until the mount ends. mount(8) can start it too: \
      'mount -t fuse.afsfuse none /afs -o allow_other', or a line of /etc/fstab. Exit status: 0, 1 when \
      something could not be done (aklog: 3, 4 or 5, see its help; status: when a daemon of yours is gone or does not \
      answer), 64 when the command line is wrong.
      """,
    version: Version.text,
    subcommands: [
      MountCommand.self, UnmountCommand.self, StatusCommand.self, AklogCommand.self, TokensCommand.self,
      UnlogCommand.self,
    ])

  static func main() {
    if CommandLine.arguments.dropFirst().first == AttributeProbe.word {
      Glibc.exit(AttributeProbe.answer(CommandLine.arguments.dropFirst(2)))
    }
    let arguments = MountInvocation.rewritten(CommandLine.arguments)
    do {
      var command = try parseAsRoot(Array(arguments.dropFirst()))
      try command.run()
    } catch {
      exit(withError: error)
    }
  }
}

enum Version {
  static let text = "0.1.0"
}

/// A failure which the user reads as one line: `afsfuse: TEXT`.
struct Failure: Error, Equatable, CustomStringConvertible {
  let text: String
  /// The command's exit status: 64 (EX_USAGE of sysexits.h, ArgumentParser's own) for what is wrong with the command line
  /// itself, 1 for what could not be done.
  let status: Int32
  var description: String { text }

  init(_ text: String) {
    self.text = text
    status = 1
  }

  /// An option or a value that is none.
  init(usage text: String) {
    self.text = text
    status = ExitCode.validationFailure.rawValue
  }

  /// Prints the line.
  func report() -> ExitCode {
    printError("afsfuse: \(text)")
    return ExitCode(status)
  }
}

/// Writes a line to standard error.
func printError(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
