/// `afsfuse SOURCE MOUNTPOINT [-o OPTIONS]`: how mount(8)'s helper for FUSE file systems starts us
/// (`mount -t fuse.afsfuse SOURCE MOUNTPOINT`, or a line of /etc/fstab); the same under the name `mount.afsfuse`, as a helper of
/// our own (`mount -t afsfuse ...`).
enum MountInvocation {
  private static let helper = "mount.afsfuse"
  private static let commands: Set<String> = [
    "mount", "unmount", "umount", "status", "aklog", "tokens", "unlog", "help",
  ]

  /// Forms that mount(8) and FUSE programs take: `-ro` for read-only, `-oallow_other` for `-o allow_other`.
  static func separated(_ arguments: [String]) -> [String] {
    var separated: [String] = []
    for (index, argument) in arguments.enumerated() {
      if argument == "--" { return separated + arguments[index...] }
      if argument == "-ro" {
        separated.append("--read-only")
      } else if argument.hasPrefix("-o"), argument.count > 2 {
        separated += ["-o", String(argument.dropFirst(2))]
      } else {
        separated.append(argument)
      }
    }
    return separated
  }

  /// The arguments as the `mount` command takes them; others unchanged. mount(8) always says `-o` and gives a whole path:
  /// without them a first word that is no command is a misspelt one.
  static func rewritten(_ given: [String]) -> [String] {
    let arguments = separated(given)
    guard arguments.count >= 3, let source = arguments.dropFirst().first, !source.hasPrefix("-") else {
      return arguments
    }
    let isHelper = arguments[0].split(separator: "/").last.map(String.init) == helper
    guard isHelper || !commands.contains(source) && arguments[2].hasPrefix("/") && arguments.contains("-o") else {
      return arguments
    }
    var rewritten = [arguments[0], "mount", arguments[2]]
    var rest = arguments[3...]
    while let argument = rest.popFirst() {
      switch argument {
      // What mount(8) says for itself: no mtab entry, sloppy options, verbose.
      case "-n", "-s", "-v": continue
      case "-f": rewritten.append("--fake")
      // The type, with its subtype; the mount namespace, in which mount(8) has started us.
      case "-t", "-N": rest = rest.dropFirst()
      default: rewritten.append(argument)
      }
    }
    return rewritten
  }
}
