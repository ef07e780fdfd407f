import AFSControl
import AFSCredentials
import AFSFuse
import ArgumentParser
import Glibc
import Logging
import RxSecurity

/// The options of `afsfuse mount`. Those with a value can be given in an `-o` list, too, for /etc/fstab:
/// `-o cell=example.com,cache-size=10G`.
struct MountArguments: ParsableArguments {
  @Argument(help: "Where to mount: an empty folder.", completion: .directory)
  var mountPoint: String

  @Flag(name: [.long, .customShort("f")], help: "Stay in the foreground, log to standard error.")
  var foreground = false

  /// `-f` of mount(8), which is not that of FUSE programs: do everything but the mount.
  @Flag(help: .hidden)
  var fake = false

  @Option(
    help: ArgumentHelp("The cell that names without a cell mean. (default: ThisCell's)", valueName: "name"))
  var cell: String?

  @Option(
    help: ArgumentHelp(
      "Volume location servers of the cell, by name or address. (default: CellServDB's or DNS's)",
      valueName: "host,..."))
  var cellServers: String?

  @Option(help: ArgumentHelp("What is at the top: 'dynamic', all cells by name, or a volume.", valueName: "volume"))
  var root = RootChoice.dynamic

  @Option(
    help: ArgumentHelp("Where CellServDB and ThisCell are. (default: /etc/openafs and the like)", valueName: "folder"),
    completion: .directory)
  var configDir: String?

  @Option(
    help: ArgumentHelp(
      "Where file data is kept; each mount has a folder of its own in it. (default: $XDG_CACHE_HOME/afsfuse; as root "
        + "/var/cache/afsfuse)", valueName: "folder"), completion: .directory)
  var cacheDir: String?

  @Option(
    help: ArgumentHelp("How large the cache may grow: 500M, 10G. (default: 4G)", valueName: "size"),
    transform: Self.size)
  var cacheSize = ByteSize(bytes: 4 << 30)

  @Option(
    help: ArgumentHelp(
      "The UDP port that servers call back to; if it is taken, any free one is used, and logged.", valueName: "port"))
  var callbackPort: UInt16 = 7001

  @Option(
    help: ArgumentHelp(
      "How calls with a token are protected, at least: clear (no protection), auth (against changes of headers), crypt. "
        + "(default: crypt)",
      valueName: "level"), completion: .list(RxkadLevel.allCases.map(\.description)), transform: Self.securityLevel)
  var minSecurity = RxkadLevel.crypt

  @Flag(
    inversion: .prefixedNo,
    help: "Get tokens from Kerberos tickets, and renew them. (default: on mounts that only their user sees)")
  var autoAklog: Bool?

  @Option(help: ArgumentHelp("The Kerberos credential cache. (default: KRB5CCNAME's)", valueName: "cache"))
  var ccache: String?

  @Option(
    help: ArgumentHelp("Get tickets with this keytab instead of a credential cache.", valueName: "file"),
    completion: .file())
  var keytab: String?

  @Option(help: ArgumentHelp("Whose key of the keytab. (default: its first one)", valueName: "name"))
  var principal: String?

  @OptionGroup var rxArguments: RxArguments

  @Flag(help: "Let other users use the mount.")
  var allowOther = false

  @Flag(name: [.long, .customShort("r")], help: "Let nobody change anything.")
  var readOnly = false

  @Option(
    help: ArgumentHelp(
      "How much is logged: \(Self.levels). (default: notice)", valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)), transform: Self.level)
  var logLevel = Logger.Level.notice

  @Option(
    help: ArgumentHelp("Log to this file instead of the system's log.", valueName: "file"), completion: .file())
  var logFile: String?

  @Option(
    name: .customShort("o"),
    help: ArgumentHelp(
      "Options of mount(8): ro, nodev, nosuid, noexec, allow_other, fsname=..., or the long options above.",
      valueName: "option,..."))
  var options: [String] = []

  @Option(help: .hidden)
  var readyDescriptor: Int32?

  /// Takes long options out of the `-o` lists.
  /// - Returns: what is left for the kernel.
  mutating func applyOptionLists() throws(Failure) -> MountOptions {
    var mountOptions = MountOptions()
    for word in options.flatMap({ $0.split(separator: ",").map(String.init) }) {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      if try applyLong(parts[0], parts.count > 1 ? parts[1] : nil) { continue }
      if Self.optionsWithValue.contains(word) {
        throw Failure(usage: "mount option '\(word)' needs a value: \(word)=...")
      }
      do throws(MountError) {
        try mountOptions.apply(word)
      } catch {
        throw Failure(usage: error.description)
      }
    }
    if allowOther { mountOptions.allowsOthers = true }
    if readOnly { mountOptions.isReadOnly = true }
    return mountOptions
  }

  /// Those that `applyLong` takes with a value.
  static let optionsWithValue: Set<String> = [
    "cell", "cell-servers", "root", "config-dir", "cache-dir", "cache-size", "rx", "rx-trace", "rx-debug-from",
    "callback-port", "log-level", "log-file", "min-security", "ccache", "keytab", "principal",
  ]

  /// - Returns: false when the name is none of ours.
  private mutating func applyLong(_ name: String, _ value: String?) throws(Failure) -> Bool {
    guard let value else { return applyFlag(name) }
    switch name {
    case "cell": cell = value
    // A comma ends an option of a list: a semicolon stands for it.
    case "cell-servers": cellServers = String(value.map { $0 == ";" ? "," : $0 })
    case "root": root = try Self.parsed(name, value)
    case "config-dir": configDir = value
    case "cache-dir": cacheDir = value
    case "cache-size": cacheSize = try Self.transformed(word: name, value, Self.size)
    // A comma ends an option of a list: each parameter is one.
    case "rx": rxArguments.rx.append(value)
    case "rx-trace": rxArguments.rxTrace = value
    case "rx-debug-from": rxArguments.rxDebugFrom.append(value)
    case "callback-port": callbackPort = try Self.parsed(name, value)
    case "log-level": logLevel = try Self.transformed(word: name, value, Self.level)
    case "log-file": logFile = value
    case "min-security": minSecurity = try Self.transformed(word: name, value, Self.securityLevel)
    case "ccache": ccache = value
    case "keytab": keytab = value
    case "principal": principal = value
    default: return false
    }
    return true
  }

  /// Long flags; `foreground` is none, for mount(8) waits for its helper.
  private mutating func applyFlag(_ name: String) -> Bool {
    switch name {
    case "allow-other": allowOther = true
    case "read-only": readOnly = true
    default: return false
    }
    return true
  }

  private static func parsed<Value: ExpressibleByArgument>(_ name: String, _ text: String) throws(Failure) -> Value {
    guard let value = Value(argument: text) else {
      throw Failure(usage: "mount option '\(name)': '\(text)' is not understood")
    }
    return value
  }

  /// A value of an `-o` list, which is checked as the long option's is.
  private static func transformed<Value>(
    word name: String, _ text: String, _ transform: (String) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(Failure) {
      return try transform(text)
    } catch {
      throw Failure(usage: "mount option '\(name)': '\(text)' is invalid: \(error.text)")
    }
  }

  // What ArgumentParser says after "The value 'x' is invalid for '--option'".

  private static func securityLevel(_ text: String) throws(Failure) -> RxkadLevel {
    guard let level = RxkadLevel(text) else { throw Failure(usage: "it can be clear, auth or crypt") }
    return level
  }

  private static func size(_ text: String) throws(Failure) -> ByteSize {
    guard let size = ByteSize(argument: text) else {
      throw Failure(usage: "it is a number of bytes, or one with K, M, G or T, such as 500M")
    }
    return size
  }

  private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

  /// - Parameter isShared: others see the mount, too: then tickets are used only when that is asked for.
  private func automaticTokens(isShared: Bool) throws(Failure) -> KerberosSource? {
    if keytab != nil, ccache != nil { throw Failure(usage: "--keytab and --ccache exclude each other") }
    if principal != nil, keytab == nil { throw Failure(usage: "--principal needs --keytab") }
    guard autoAklog ?? (!isShared || keytab != nil || ccache != nil) else { return nil }
    if let keytab {
      let path = keytab.contains(":") ? keytab : try Self.absolute(keytab)
      if !keytab.contains(":"), access(path, R_OK) != 0 {
        throw Failure("keytab \(path): \(String(cString: strerror(errno)))")
      }
      return .keytab(path, principal: principal)
    }
    guard let ccache else { return .cache(nil) }
    return .cache(ccache.contains(":") ? ccache : try Self.absolute(ccache))
  }

  private static func level(_ text: String) throws(Failure) -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else { throw Failure(usage: "it can be \(levels)") }
    return level
  }

  /// Checks what can be checked before anything is started. Paths become absolute.
  func settings(_ options: MountOptions) throws(Failure) -> MountSettings {
    let point: MountPoint
    do throws(MountError) {
      point = try MountPoint.cleared(mountPoint, allowsNonempty: options.allowsNonempty)
    } catch {
      throw Failure(error.description)
    }
    if cacheSize.bytes < 16 << 20 { throw Failure(usage: "--cache-size \(cacheSize) is too small: 16M is the least") }
    let cache: String
    if let cacheDir { cache = try Self.absolute(cacheDir) } else { cache = try Self.defaultCacheFolder() }
    var configuration: String?
    if let configDir { configuration = try Self.absolute(configDir) }
    try Self.requireOutside(point, cache, "the cache folder", "--cache-dir names another")
    if let configuration {
      try Self.requireOutside(point, configuration, "the configuration", "--config-dir names another")
    }
    let tickets = try automaticTokens(isShared: options.allowsOthers || options.allowsRoot)
    if let tickets { try Self.requireOutside(point, tickets) }
    return MountSettings(
      mountPoint: point, options: options, cell: cell, cellServers: cellServers, root: root,
      configurationFolder: configuration, cacheFolder: cache + "/" + Self.folderName(point.path),
      cacheBytes: cacheSize.bytes, callbackPort: callbackPort, rx: try rxArguments.settings(),
      securityLevel: minSecurity,
      automaticTokens: tickets)
  }

  /// What the daemon looks at to serve the mount must not lie in the mount: it would wait for itself.
  private static func requireOutside(
    _ point: MountPoint, _ path: String, _ what: String, _ advice: String
  ) throws(Failure) {
    if point.isPassed(by: path) { throw Failure("\(what) \(path) lies in the mount itself: \(advice)") }
  }

  private static func requireOutside(_ point: MountPoint, _ tickets: KerberosSource) throws(Failure) {
    let name: String?
    let what: String
    let advice: String
    switch tickets {
    case .cache(let given):
      // What libkrb5 finds, by KRB5CCNAME or krb5.conf.
      name = given ?? KerberosTokens.defaultCacheName()
      what = "the credential cache"
      advice = "--ccache or KRB5CCNAME names another, --no-auto-aklog does without"
    case .keytab(let file, _):
      name = file
      what = "the keytab"
      advice = "copy it to somewhere else"
    }
    guard let name else { return }
    for path in KerberosStamp(name: name).watchedPaths {
      // A name that is not absolute is the daemon's, which works in the root folder.
      try requireOutside(point, path.hasPrefix("/") ? path : "/" + path, what, advice)
    }
  }

  private static func defaultCacheFolder() throws(Failure) -> String {
    if geteuid() == 0 { return "/var/cache/afsfuse" }
    if let folder = getenv("XDG_CACHE_HOME"), folder.pointee != 0 { return String(cString: folder) + "/afsfuse" }
    guard let home = getenv("HOME"), home.pointee != 0 else {
      throw Failure("HOME is not set: say --cache-dir")
    }
    return String(cString: home) + "/.cache/afsfuse"
  }

  /// A mount point's folder in the cache: legible, and unique by a hash.
  private static func folderName(_ path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? "root"
    return last + "-" + String(RuntimeFolder.hash(path), radix: 16)
  }

  static func absolute(_ path: String) throws(Failure) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else { throw Failure("the current folder has no name") }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }
}
