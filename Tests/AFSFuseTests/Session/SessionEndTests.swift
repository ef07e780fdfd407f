import AFSClient
import AFSFuse
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct SessionEndTests {
  @Test("A mount in use is not unmounted unless told so; what stayed open is closed at the end")
  func busy() async throws {
    let fileSystem = MemoryFileSystem()
    try await TestMount.with(fileSystem) { mount in
      let file = try await mount.run { try call(open($0 + "/f", O_WRONLY | O_CREAT, 0o644)) }
      #expect { try mount.session.unmount(lazily: false) } throws: { error in
        guard case MountError.busy(mount.path, _)? = error as? MountError else { return false }
        return true
      }
      #expect(fileSystem.counts.closes == 0)
      try mount.session.unmount(lazily: true)
      #expect(write(file, "x", 1) == 1, "it is served while it is in use")
      mount.session.abort()
      await mount.session.finish()
      #expect(fileSystem.counts.closes == 1)
      #expect(failure(write(file, "x", 1)) == ENOTCONN || failure(write(file, "x", 1)) == ECONNABORTED)
      close(file)
    }
  }

  @Test("A file whose store takes long keeps no other from being stored at the end")
  func silentServer() async throws {
    let fileSystem = MemoryFileSystem()
    for name in ["a", "b", "c"] { fileSystem.plant(name, [1]) }
    fileSystem.behaviour.blocksCloseOf = fileSystem.plant("slow", [1])
    try await TestMount.with(fileSystem) { mount in
      let files = try await mount.run { path in
        try ["slow", "a", "b", "c"].map { try call(open(path + "/" + $0, O_WRONLY | O_CLOEXEC)) }
      }
      try mount.session.unmount(lazily: true)
      mount.session.abort()
      await mount.session.finish(within: .milliseconds(300))
      #expect(fileSystem.counts.closes == 3)
      fileSystem.releaseReads()
      for file in files { close(file) }
    }
  }

  @Test("A session that is finished twice leaves the file alone that has its device's number by then")
  func finishedTwice() async throws {
    try await TestMount.with { mount in
      try mount.session.unmount(lazily: false)
      await mount.session.waitUntilEnded()
      await mount.session.finish()
      var pipes: [Int32] = [0, 0]
      try #require(pipe(&pipes) == 0)
      defer { for pipe in pipes { close(pipe) } }
      // One of them gets the number, unless another test has it meanwhile.
      let copy = fcntl(pipes[1], F_DUPFD_CLOEXEC, mount.session.device)
      defer { close(copy) }
      await mount.session.finish()
      for file in pipes + [copy] {
        var status = stat()
        #expect(fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
      }
    }
  }

  @Test("A mount that ends from outside ends the session")
  func outside() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in _ = try list(path) }
      #expect(umount2(mount.path, 0) == 0 || errno == EPERM)
      if errno != EPERM { await mount.session.waitUntilEnded() }
    }
  }

  @Test("A mounted folder cannot be mounted at again, and a read-only mount refuses writes")
  func twice() async throws {
    var options = MountOptions()
    options.isReadOnly = true
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("f", [1])
    try await TestMount.with(fileSystem, options: options) { mount in
      #expect(throws: MountError.alreadyMounted(mount.path, type: "fuse.afsfuse")) {
        try MountPoint(checking: mount.path, allowsNonempty: false)
      }
      try await mount.run { path throws in
        #expect(try readFile(path + "/f") == [1])
        #expect(failure(open(path + "/g", O_WRONLY | O_CREAT, 0o644)) == EROFS)
        #expect(failure(unlink(path + "/f")) == EROFS)
      }
    }
  }
}
