import AFSClient
import AFSFuse
import CTestCalls
import Glibc
import Testing

/// Everything here runs twice: answered on the receiving threads where that is possible, and by tasks only.
@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct NameOperationTests {
  @Test("Directories are made, listed and removed", arguments: [true, false])
  func directories(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        try call(mkdir(path + "/d", 0o750))
        #expect(try status(path + "/d").st_mode == S_IFDIR | 0o750)
        try call(mkdir(path + "/d/e", 0o755))
        #expect(failure(mkdir(path + "/d", 0o755)) == EEXIST)
        #expect(failure(rmdir(path + "/d")) == ENOTEMPTY)
        #expect(failure(unlink(path + "/d/e")) == EISDIR)
        #expect(try list(path + "/d") == [".", "..", "e"])
        try call(rmdir(path + "/d/e"))
        #expect(try list(path + "/d") == [".", ".."])
        #expect(failure(rmdir(path + "/d/e")) == ENOENT)
        try call(rmdir(path + "/d"))
      }
    }
  }

  @Test("Symbolic links keep their target's bytes", arguments: [true, false])
  func symbolicLinks(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        let target = "../some where/é\u{1}"
        try call(symlink(target, path + "/l"))
        #expect(try status(path + "/l").st_mode & S_IFMT == S_IFLNK)
        var buffer = [CChar](repeating: 0, count: 100)
        let count = try call(readlink(path + "/l", &buffer, 100))
        #expect(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) == target)
        try writeFile(path + "/f", [7])
        try call(symlink("f", path + "/to-f"))
        #expect(try readFile(path + "/to-f") == [7])
        #expect(failure(symlink("x", path + "/l")) == EEXIST)
      }
    }
  }

  @Test("Files are renamed, over others or not", arguments: [true, false])
  func renames(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        try writeFile(path + "/a", [1])
        try writeFile(path + "/b", [2])
        try call(rename(path + "/a", path + "/b"))
        #expect(try readFile(path + "/b") == [1])
        #expect(failure(access(path + "/a", F_OK)) == ENOENT)
        try call(mkdir(path + "/d", 0o755))
        try call(rename(path + "/b", path + "/d/c"))
        #expect(try readFile(path + "/d/c") == [1])
        try writeFile(path + "/x", [3])
        #expect(renamed(path + "/x", path + "/d/c", flags: 1) == EEXIST)
        #expect(renamed(path + "/x", path + "/d/c", flags: 2) == EINVAL, "RENAME_EXCHANGE")
        #expect(renamed(path + "/x", path + "/y", flags: 1) == 0)
        #expect(failure(rename(path + "/none", path + "/z")) == ENOENT)
      }
    }
  }

  @Test("Hard links live in one directory", arguments: [true, false])
  func hardLinks(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        try writeFile(path + "/a", [1])
        try call(link(path + "/a", path + "/b"))
        #expect(try status(path + "/a").st_nlink == 2)
        #expect(try status(path + "/a").st_ino == status(path + "/b").st_ino)
        try call(mkdir(path + "/d", 0o755))
        #expect(failure(link(path + "/a", path + "/d/c")) == EXDEV)
      }
    }
  }

  @Test("mknod makes regular files and nothing else")
  func specialFiles() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        try call(mknod(path + "/f", S_IFREG | 0o600, 0))
        #expect(try status(path + "/f").st_mode == S_IFREG | 0o600)
        #expect(failure(mkfifo(path + "/p", 0o600)) == EPERM)
        #expect(failure(mknod(path + "/c", S_IFCHR | 0o600, 0x103)) == EPERM)
      }
    }
  }

  @Test("A name may have 255 bytes of any kind")
  func longNames() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let name = String(repeating: "ä", count: 127) + "x"
        try writeFile(path + "/" + name, [1])
        #expect(try list(path).contains(name))
        #expect(failure(open(path + "/" + name + "y", O_RDONLY)) == ENAMETOOLONG)
      }
    }
  }

  @Test("An absent name is asked for once while that is known to hold")
  func negative() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        for _ in 0..<10 { #expect(failure(access(path + "/none", F_OK)) == ENOENT) }
      }
      #expect(mount.fileSystem.counts.lookups == 1)
      mount.fileSystem.behaviour.absentValidity = .zero
      mount.fileSystem.resetCounts()
      try await mount.run { path throws in
        for _ in 0..<10 { #expect(failure(access(path + "/never", F_OK)) == ENOENT) }
      }
      #expect(mount.fileSystem.counts.lookups == 10)
    }
  }

  @Test("The umask applies, the caller owns")
  func creation() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let old = umask(0o027)
        defer { umask(old) }
        let file = try call(open(path + "/f", O_CREAT | O_WRONLY, 0o666))
        close(file)
        #expect(try status(path + "/f").st_mode == S_IFREG | 0o640)
        #expect(try status(path + "/f").st_uid == getuid())
        #expect(failure(open(path + "/f", O_CREAT | O_EXCL | O_WRONLY, 0o666)) == EEXIST)
      }
    }
  }

  /// - Returns: the errno.
  private func renamed(_ from: String, _ to: String, flags: UInt32) -> Int32 {
    failure(test_renameat2(from, to, flags))
  }
}
