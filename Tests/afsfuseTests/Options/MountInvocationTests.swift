import Testing

@testable import afsfuse

/// How mount(8) and its helpers start the program.
@Suite struct MountInvocationTests {
  @Test("mount.fuse's words, and those of our own helper, become those of the mount command")
  func helpers() {
    let wanted = ["mount", "/afs", "-o", "rw,allow_other"]
    for words in [
      ["afsfuse", "none", "/afs", "-o", "rw,allow_other"],
      ["/usr/local/bin/afsfuse", "none", "/afs", "-n", "-o", "rw,allow_other"],
      ["/sbin/mount.afsfuse", "none", "/afs", "-o", "rw,allow_other"],
      [
        "mount.afsfuse", "none", "/afs", "-s", "-v", "-N", "/proc/1/ns/mnt", "-o", "rw,allow_other", "-t",
        "fuse.afsfuse",
      ],
      ["afsfuse", "afs", "/afs", "-n", "-t", "fuse.afsfuse", "-o", "rw,allow_other"],
      ["mount.afsfuse", "status", "/afs", "-o", "rw,allow_other"],
    ] {
      #expect(Array(MountInvocation.rewritten(words).dropFirst()) == wanted, "\(words)")
    }
    #expect(Array(MountInvocation.rewritten(["mount.afsfuse", "none", "afs"]).dropFirst()) == ["mount", "afs"])
  }

  @Test("-f is mount(8)'s fake mount for a helper, and the foreground for the mount command")
  func fake() throws {
    let words = MountInvocation.rewritten(["mount.afsfuse", "none", "/afs", "-f", "-o", "rw"])
    #expect(Array(words.dropFirst()) == ["mount", "/afs", "--fake", "-o", "rw"])
    let faked = try #require(try AFSFuseCommand.parseAsRoot(Array(words.dropFirst())) as? MountCommand)
    #expect(faked.arguments.fake && !faked.arguments.foreground)
    let given = MountInvocation.rewritten(["afsfuse", "mount", "/afs", "-f", "-o", "rw"])
    let command = try #require(try AFSFuseCommand.parseAsRoot(Array(given.dropFirst())) as? MountCommand)
    #expect(command.arguments.foreground && !command.arguments.fake)
  }

  @Test("Rewriting twice is rewriting once: the daemon sees what its starter saw")
  func twice() {
    for name in ["afsfuse", "/sbin/mount.afsfuse"] {
      let once = MountInvocation.rewritten([name, "none", "/afs", "-o", "ro"])
      #expect(MountInvocation.rewritten(once) == once)
    }
  }

  @Test(
    "Our own commands stay as they are, misspelt ones too",
    arguments: [
      ["afsfuse", "mount", "/afs", "--allow-other"], ["afsfuse", "unmount", "/afs"], ["afsfuse", "status", "/afs"],
      ["afsfuse", "help", "mount"], ["afsfuse", "--help"], ["afsfuse"], ["afsfuse", "nonsense"],
      ["afsfuse", "unmout", "/afs"], ["afsfuse", "mnt", "/afs", "--cell", "x"],
      ["afsfuse", "umount", "/afs", "--lazy"],
    ])
  func commands(words: [String]) {
    #expect(MountInvocation.rewritten(words) == words)
  }
}
