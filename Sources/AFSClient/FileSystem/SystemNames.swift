/// Values of `@sys`: for which kind of machine a directory of programs is, as OpenAFS names them.
public enum SystemNames {
  /// What OpenAFS has for a machine of this kind, as uname(2) calls it, unless it is told other names; empty for
  /// machines that it does not know. For OpenAFS every Linux since 2.6 is `linux26` (SYS_NAME of its build).
  public static func defaults(machine: String) -> [String] {
    switch machine {
    case "x86_64", "amd64": ["amd64_linux26"]
    case "i386", "i486", "i586", "i686": ["i386_linux26"]
    case "aarch64", "arm64": ["arm64_linux26"]
    case "ppc64le": ["ppc64le_linux26"]
    case "ppc64": ["ppc64_linux26"]
    case "ppc": ["ppc_linux26"]
    case "s390x": ["s390x_linux26"]
    case "s390": ["s390_linux26"]
    case let name where name.hasPrefix("arm"): ["arm_linux26"]
    default: []
    }
  }
}
