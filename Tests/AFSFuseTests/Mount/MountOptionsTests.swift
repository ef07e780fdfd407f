import Glibc
import Logging
import RxTransport
import TestFolders
import Testing

@testable import AFSFuse

@Suite struct MountOptionsTests {
  private func options(_ words: [String]) throws -> MountOptions {
    var options = MountOptions()
    for word in words { try options.apply(word) }
    return options
  }

  @Test("Set-user-id programs and devices count only when asked for")
  func safe() throws {
    #expect(try options([]).flags == UInt(MS_NOSUID | MS_NODEV))
    #expect(try options(["allow_suid", "allow_dev"]).flags == 0)
    // As mount.fuse3 passes them on, unasked.
    #expect(try options(["rw", "allow_other", "dev", "suid"]).flags == UInt(MS_NOSUID | MS_NODEV))
  }

  @Test("Words of mount(8) become flags, the last one counts")
  func flags() throws {
    #expect(try options(["ro"]).isReadOnly)
    #expect(try !options(["ro", "rw"]).isReadOnly)
    #expect(try options(["noexec"]).flags & UInt(MS_NOEXEC) != 0)
  }

  @Test("Words for others are ignored", arguments: ["_netdev", "x-systemd.automount", "user", "nofail", "comment=x"])
  func ignored(word: String) throws {
    #expect(try options([word]) == MountOptions())
  }

  @Test("An unknown word is refused")
  func unknown() {
    #expect(throws: MountError.badOption("writeback")) { try options(["writeback"]) }
  }

  @Test("What the kernel and fusermount3 are told")
  func told() throws {
    let shared = try options(["allow_other", "ro", "fsname=a,b"])
    #expect(
      shared.kernelData(device: 5, user: 1, group: 2)
        == "fd=5,rootmode=40000,user_id=1,group_id=2,allow_other")
    #expect(shared.fusermountOptions == "fsname=a\\,b,subtype=afsfuse,ro,allow_other")
  }

  @Test("A mount point that cannot be one says why")
  func mountPoint() throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let path = folder.path
    #expect(throws: MountError.missing(path + "/none")) {
      try MountPoint(checking: path + "/none", allowsNonempty: false)
    }
    try writeFile(path + "/file", [])
    #expect(throws: MountError.notDirectory(path + "/file")) {
      try MountPoint(checking: path + "/file", allowsNonempty: false)
    }
    #expect(throws: MountError.notEmpty(path)) { try MountPoint(checking: path, allowsNonempty: false) }
    #expect(try MountPoint(checking: path + "/../" + path.dropFirst(5), allowsNonempty: true).path == path)
  }

  @Test("What a dead daemon has left at a mount point is taken away, a live mount is not")
  func stale() async throws {
    let folder = TemporaryFolder()
    let point = try MountPoint(checking: folder.path, allowsNonempty: false)
    // This task blocks in system calls on the mount: whoever answers them must not need the pool's threads.
    let thread = try RxIOThread(name: "afs-test-io")
    defer { thread.end() }
    let session = try FuseSession.mount(
      MemoryFileSystem(), at: point, options: MountOptions(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      spawn: { body in Task(executorPreference: thread) { await body() } })
    #expect(throws: MountError.alreadyMounted(point.path, type: "fuse.afsfuse")) {
      try MountPoint.cleared(point.path, allowsNonempty: true)
    }
    session.abort()
    await session.waitUntilEnded()
    // The connection ends, as it does with a process; the mount stays.
    await session.finish()
    #expect(throws: MountError.staleMount(point.path)) {
      try MountPoint(checking: point.path, allowsNonempty: false)
    }
    #expect(try MountPoint.cleared(point.path, allowsNonempty: false) == point)
    #expect(MountTable.entry(at: point.path) == nil)
  }
}
