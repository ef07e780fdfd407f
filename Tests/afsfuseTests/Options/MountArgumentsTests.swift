import AFSFuse
import ArgumentParser
import Glibc
import Logging
import TestFolders
import Testing

@testable import afsfuse

@Suite struct MountArgumentsTests {
  /// The settings that a command line leads to, for a mount point that exists.
  private func settings(_ words: [String]) throws -> MountSettings {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let line = ["mount", folder.path] + words.map { $0.replacing("MOUNT", with: folder.path) }
    let command = try #require(try AFSFuseCommand.parseAsRoot(line) as? MountCommand)
    var arguments = command.arguments
    let options = try arguments.applyOptionLists()
    return try arguments.settings(options)
  }

  @Test("The defaults")
  func defaults() throws {
    let settings = try settings(["--cache-dir", "/c"])
    #expect(settings.cell == nil)
    #expect(settings.cellServers == nil)
    #expect(settings.root == .dynamic)
    #expect(settings.callbackPort == 7001)
    #expect(settings.cacheBytes == 4 << 30)
    #expect(!settings.options.isReadOnly)
    #expect(!settings.options.allowsOthers)
    #expect(settings.cacheFolder.hasPrefix("/c/afsfuse-test-"))
  }

  @Test("Every option arrives")
  func all() throws {
    let settings = try settings([
      "--cell", "example.com", "--cell-servers", "a.example.com,10.0.0.1", "--root", "root.cell", "--config-dir",
      "/etc/there", "--cache-dir", "/c", "--cache-size", "500M", "--callback-port", "7777", "--allow-other",
      "--read-only", "-o", "noexec,fsname=x",
    ])
    #expect(settings.cell == "example.com")
    #expect(settings.cellServers == "a.example.com,10.0.0.1")
    #expect(settings.root == .volume("root.cell"))
    #expect(settings.configurationFolder == "/etc/there")
    #expect(settings.cacheBytes == 500 << 20)
    #expect(settings.callbackPort == 7777)
    #expect(settings.options.allowsOthers)
    #expect(settings.options.isReadOnly)
    #expect(settings.options.flags & UInt(MS_NOEXEC) != 0)
    #expect(settings.options.source == "x")
  }

  @Test(
    "Flags have their place in a list, and joined forms are taken apart",
    arguments: [
      ["-o", "read-only,allow-other"], ["-oread-only,allow-other"], ["-oro,allow_other"], ["-ro", "-oallow_other"],
      ["-r", "--allow-other"],
    ])
  func flags(words: [String]) throws {
    let settings = try settings(MountInvocation.separated(words + ["--cache-dir", "/c"]))
    #expect(settings.options.isReadOnly && settings.options.allowsOthers)
  }

  @Test(
    "What is wrong with the command line ends with 64",
    arguments: [
      ["-o", "nonsense"], ["-o", "cache-size=lots"], ["--cache-size", "1M"], ["-o", "log-level=loud"],
      ["--rx", "foo=1"], ["--rx", "rx_mtu=x"], ["-o", "rx=foo=1"], ["--rx-debug-from", "here"],
      ["--principal", "alice"], ["--keytab", "/k", "--ccache", "/c"],
    ])
  func usage(words: [String]) throws {
    let failure = #expect(throws: Failure.self) { try settings(words + ["--cache-dir", "/c"]) }
    #expect(failure?.status == 64)
    #expect(Failure("the disk is gone").status == 1)
  }

  @Test("An option of a list that lacks its value says so", arguments: MountArguments.optionsWithValue.sorted())
  func withoutValue(name: String) throws {
    let failure = #expect(throws: Failure.self) { try settings(["--cache-dir", "/c", "-o", "ro,\(name)"]) }
    #expect(failure?.text == "mount option '\(name)' needs a value: \(name)=...")
    // With one it is known.
    let other = #expect(throws: Failure.self) { try settings(["--cache-dir", "/c", "-o", "\(name)=\u{1},nonsense"]) }
    #expect(other?.text.contains("'\(name)=") != true)
  }

  @Test(
    "What a value may be is said, on the command line and in a list",
    arguments: [
      ("min-security", "none", "it can be clear, auth or crypt"),
      ("log-level", "loud", "it can be trace, debug, info, notice, warning, error, critical"),
      ("cache-size", "10X", "it is a number of bytes, or one with K, M, G or T, such as 500M"),
    ])
  func allowedValues(name: String, value: String, allowed: String) throws {
    let failure = #expect(throws: Failure.self) { try settings(["--cache-dir", "/c", "-o", "\(name)=\(value)"]) }
    #expect(failure?.text == "mount option '\(name)': '\(value)' is invalid: \(allowed)")
    #expect(failure?.status == 64)
    do {
      _ = try settings(["--cache-dir", "/c", "--\(name)", value])
      Issue.record("\(value) is taken")
    } catch {
      #expect(AFSFuseCommand.message(for: error).hasSuffix(": \(allowed)"))
      #expect(AFSFuseCommand.exitCode(for: error).rawValue == 64)
    }
  }

  @Test("The help names the defaults of options that are checked by hand")
  func helpOfDefaults() throws {
    let help = AFSFuseCommand.helpMessage(for: MountCommand.self, columns: 1000)
    let settings = try settings(["--cache-dir", "/c"])
    #expect(help.contains("500M, 10G. (default: \(ByteSize(bytes: settings.cacheBytes)))"))
    #expect(help.contains("crypt. (default: \(settings.securityLevel))"))
    #expect(help.contains("critical. (default: notice)"))
  }

  @Test("A mount point without a name is shown in quotes")
  func emptyName() throws {
    let command = try #require(try AFSFuseCommand.parseAsRoot(["mount", "", "--cache-dir", "/c"]) as? MountCommand)
    let failure = #expect(throws: Failure.self) { try command.arguments.settings(MountOptions()) }
    #expect(failure?.text.hasPrefix("'' does not exist") == true)
  }

  @Test("A list of -o carries the long options, for /etc/fstab")
  func optionList() throws {
    let settings = try settings([
      "-o", "rw,nosuid,_netdev,cell=example.com,cell-servers=10.0.0.1;10.0.0.2", "-o",
      "root=root.cell,cache-size=1G,cache-dir=/c,callback-port=0,allow_other,ro",
    ])
    #expect(settings.cell == "example.com")
    #expect(settings.cellServers == "10.0.0.1,10.0.0.2")
    #expect(settings.root == .volume("root.cell"))
    #expect(settings.cacheBytes == 1 << 30)
    #expect(settings.callbackPort == 0)
    #expect(settings.options.allowsOthers)
    #expect(settings.options.isReadOnly)
  }

  @Test(
    "What cannot be meant is refused",
    arguments: [
      ["-o", "writeback"], ["-o", "cache-size=many"], ["-o", "callback-port=70000"], ["-o", "log-level=loud"],
      ["--cache-size", "1K"],
    ])
  func refused(words: [String]) {
    #expect(throws: Failure.self) { _ = try settings(words) }
  }

  @Test(
    "What ArgumentParser refuses",
    arguments: [["--cache-size", "x"], ["--callback-port", "70000"], ["--log-level", "loud"], ["--nonsense"]])
  func malformed(words: [String]) {
    #expect(throws: (any Error).self) { _ = try settings(words) }
  }

  @Test("Two mount points never share a cache folder")
  func cacheFolders() throws {
    #expect(try settings(["--cache-dir", "/c"]).cacheFolder != settings(["--cache-dir", "/c"]).cacheFolder)
  }

  @Test("A relative cache folder is one below the current folder")
  func relative() throws {
    #expect(try MountArguments.absolute("x/y").hasSuffix("/x/y"))
    #expect(try MountArguments.absolute("x/y").hasPrefix("/"))
    #expect(try MountArguments.absolute("/x") == "/x")
  }

  @Test(
    "What the daemon reads to serve the mount cannot lie in it",
    arguments: [
      ["--cache-dir", "MOUNT/c"], ["--cache-dir", "/c", "--config-dir", "MOUNT/etc"],
      ["--cache-dir", "/c", "--ccache", "MOUNT/cc"], ["--cache-dir", "/c", "--ccache", "FILE:MOUNT/cc"],
      ["--cache-dir", "/c", "--ccache", "DIR:MOUNT"], ["--cache-dir", "/c", "--ccache", "DIR::MOUNT/d/tkt"],
      ["--cache-dir", "/c", "--keytab", "FILE:MOUNT/keytab"],
    ])
  func insideItself(words: [String]) throws {
    let error = #expect(throws: Failure.self) { try settings(words) }
    #expect(error?.text.contains(" lies in the mount itself: ") == true)
    _ = try settings(words.map { $0.replacing("MOUNT", with: "/elsewhere") })
  }
}

@Suite struct ByteSizeTests {
  @Test(
    "Sizes as people write them",
    arguments: [
      ("0", 0), ("1", 1), ("1K", 1024), ("500M", 500 << 20), ("10G", 10 << 30), ("1.5G", 3 << 29), ("2T", 2 << 40),
      ("4k", 4096), ("1MiB", 1 << 20), ("1MB", 1 << 20), ("1b", 1),
    ] as [(String, UInt64)])
  func parsed(text: String, bytes: UInt64) {
    #expect(ByteSize(argument: text)?.bytes == bytes)
  }

  @Test("What is no size", arguments: ["", "G", "x", "-1", "1X", "1e3", "nan", "inf", "0x10", "1 G", "99999999T"])
  func refused(text: String) {
    #expect(ByteSize(argument: text) == nil)
  }

  @Test("A size is shown as it would be written", arguments: ["0", "1023", "1K", "1500M", "4G", "2T"])
  func shown(text: String) {
    #expect(ByteSize(argument: text)?.description == text)
  }
}
