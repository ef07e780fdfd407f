import Glibc

/// What the kernel is told about a mount: mount(2)'s flags and FUSE's own options, made from `-o` words.
package struct MountOptions: Hashable, Sendable {
  /// MS_RDONLY and the like. A network file system brings foreign files: set-user-id bits and device nodes
  /// count only when asked for (`allow_suid`, `allow_dev`). The words `suid` and `dev` are no such request: mount(8)'s
  /// mount.fuse3 adds them to whatever the administrator wrote (libfuse util/mount.fuse.c).
  package var flags: UInt = UInt(MS_NOSUID | MS_NODEV)
  package var allowsOthers = false
  package var allowsRoot = false
  /// Mount over a folder that has something in it.
  package var allowsNonempty = false
  /// What `mount` and `df` show as the source.
  package var source = "afs"
  static let subtype = "afsfuse"
  /// As the mount table has it.
  static let type = "fuse." + subtype

  package init() {}

  package var isReadOnly: Bool {
    get { flags & UInt(MS_RDONLY) != 0 }
    set { set(UInt(MS_RDONLY), newValue) }
  }

  /// Takes one word of an `-o` list.
  package mutating func apply(_ option: String) throws(MountError) {
    if let (flag, isSet) = Self.flagWords[option] {
      set(flag, isSet)
      return
    }
    switch option {
    case "allow_other": allowsOthers = true
    case "allow_root": allowsRoot = true
    case "nonempty": allowsNonempty = true
    default:
      if option.hasPrefix("fsname=") {
        source = String(option.dropFirst("fsname=".count))
      } else if !Self.isIgnored(option) {
        throw .badOption(option)
      }
    }
  }

  private mutating func set(_ flag: UInt, _ isSet: Bool) {
    flags = isSet ? flags | flag : flags & ~flag
  }

  private static let flagWords: [String: (flag: UInt, isSet: Bool)] = [
    "ro": (UInt(MS_RDONLY), true), "rw": (UInt(MS_RDONLY), false),
    "nosuid": (UInt(MS_NOSUID), true), "allow_suid": (UInt(MS_NOSUID), false),
    "nodev": (UInt(MS_NODEV), true), "allow_dev": (UInt(MS_NODEV), false),
    "noexec": (UInt(MS_NOEXEC), true), "exec": (UInt(MS_NOEXEC), false),
    "sync": (UInt(MS_SYNCHRONOUS), true), "async": (UInt(MS_SYNCHRONOUS), false),
    "dirsync": (UInt(MS_DIRSYNC), true),
    "noatime": (UInt(MS_NOATIME), true), "atime": (UInt(MS_NOATIME), false),
    "nodiratime": (UInt(MS_NODIRATIME), true), "diratime": (UInt(MS_NODIRATIME), false),
  ]

  /// Words of /etc/fstab which are meant for mount(8), systemd and others.
  private static func isIgnored(_ option: String) -> Bool {
    let words: Set<String> = [
      "", "defaults", "suid", "dev", "auto", "noauto", "user", "users", "nouser", "owner", "group", "nofail", "_netdev",
      "relatime",
      "norelatime", "strictatime", "lazytime", "nolazytime", "silent", "loud", "subtype=afsfuse",
    ]
    return words.contains(option) || option.hasPrefix("x-") || option.hasPrefix("X-") || option.hasPrefix("comment=")
  }

  /// The `data` of mount(2).
  func kernelData(device: Int32, user: uid_t, group: gid_t) -> String {
    var words = ["fd=\(device)", "rootmode=40000", "user_id=\(user)", "group_id=\(group)"]
    if allowsOthers || allowsRoot { words.append("allow_other") }
    return words.joined(separator: ",")
  }

  /// The argument of `fusermount3 -o`.
  var fusermountOptions: String {
    var words = ["fsname=" + Self.escaped(source), "subtype=\(Self.subtype)"]
    for (word, meaning) in Self.flagWords.sorted(by: { $0.key < $1.key }) where meaning.isSet {
      if flags & meaning.flag != 0 { words.append(word) }
    }
    // fusermount3 sets these two unless told otherwise, and lets only root tell.
    words.removeAll { $0 == "nosuid" || $0 == "nodev" }
    // libfuse itself turns other users away for allow_root (`sessionArguments`).
    if allowsOthers || allowsRoot { words.append("allow_other") }
    return words.joined(separator: ",")
  }

  /// What libfuse is started with.
  var sessionArguments: [String] { ["afsfuse"] + (allowsRoot ? ["-oallow_root"] : []) }

  /// fusermount3 takes a comma as part of a value when a backslash stands before it.
  private static func escaped(_ text: String) -> String {
    String(text.flatMap { $0 == "," || $0 == "\\" ? ["\\", $0] : [$0] })
  }
}
