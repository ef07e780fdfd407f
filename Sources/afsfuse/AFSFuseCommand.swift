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
      'mount -t fuse.afsfuse none /afs -o allow_other', or a line of /etc/fstab.
      """,
    version: Version.text,
    subcommands: [
      MountCommand.self, UnmountCommand.self, StatusCommand.self, AklogCommand.self, TokensCommand.self,
      UnlogCommand.self,
    ])

  static func main() {
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
struct Failure: Error, CustomStringConvertible {
  let text: String
  var description: String { text }

  init(_ text: String) {
    self.text = text
  }

  /// Prints the line; the command then ends with status 1.
  func report() -> ExitCode {
    printError("afsfuse: \(text)")
    return ExitCode(1)
  }
}

/// Writes a line to standard error.
func printError(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
