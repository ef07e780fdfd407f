/// `afsfuse SOURCE MOUNTPOINT [-o OPTIONS]`: how mount(8)'s helper for FUSE file systems starts us
/// (`mount -t fuse.afsfuse SOURCE MOUNTPOINT`, or a line of /etc/fstab).
enum MountInvocation {
  private static let commands: Set<String> = [
    "mount", "unmount", "umount", "status", "aklog", "tokens", "unlog", "help",
  ]

  /// The arguments as the `mount` command takes them; others unchanged. mount(8) always says `-o` and gives a whole path:
  /// without them a first word that is no command is a misspelt one.
  static func rewritten(_ arguments: [String]) -> [String] {
    guard arguments.count >= 3, let source = arguments.dropFirst().first, !source.hasPrefix("-"),
      !commands.contains(source), arguments[2].hasPrefix("/"), arguments.contains("-o")
    else { return arguments }
    var rewritten = [arguments[0], "mount", arguments[2]]
    var rest = arguments[3...]
    while let argument = rest.popFirst() {
      switch argument {
      // What mount(8) says for itself: no mtab entry, sloppy options, verbose.
      case "-n", "-s", "-v": continue
      // The type, with its subtype.
      case "-t": rest = rest.dropFirst()
      default: rewritten.append(argument)
      }
    }
    return rewritten
  }
}
