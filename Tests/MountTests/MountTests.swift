import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import Glibc
import Testing

/// The whole program but its command line: a kernel mount of a mock cell over real sockets.
@Suite(.enabled(if: canMount), .serialized, .timeLimit(.minutes(2)))
struct MountTests {
  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test("Files are written, read, renamed, listed and removed through the kernel")
  func smoke() async throws {
    try await MockedMount.with { cell, mounts in
      try await mounts[0].run { path in
        try writeFile(path + "/a", "hello")
        #expect(try readFile(path + "/a") == "hello")
        try call(mkdir(path + "/d", 0o755))
        try call(rename(path + "/a", path + "/d/b"))
        #expect(try list(path) == ["d"])
        #expect(try list(path + "/d") == ["b"])
        #expect(try size(path + "/d/b") == 5)
        try call(symlink("d/b", path + "/s"))
        #expect(try readFile(path + "/s") == "hello")
        try call(truncate(path + "/d/b", 2))
        #expect(try readFile(path + "/d/b") == "he")
        try call(unlink(path + "/s"))
        try call(unlink(path + "/d/b"))
        try call(rmdir(path + "/d"))
        #expect(try list(path) == [])
      }
      #expect(cell.cell.names(in: cell.root) == [])
    }
  }

  @Test("A callback break reaches the kernel: contents, attributes, new and removed names")
  func breaks() async throws {
    try await MockedMount.with { cell, mounts in
      let mount = mounts[0]
      let made = cell.cell.makeFile(Self.bytes("f"), in: cell.root, Self.bytes("old"))
      let file = try #require(made)
      #expect(try await mount.run { try readFile($0 + "/f") } == "old")
      #expect(try await mount.run { try list($0) } == ["f"])
      #expect(try await mount.run { exists($0 + "/new") } == false)
      await cell.cell.overwrite(file, with: Self.bytes("longer"))
      #expect(try await mount.holds { try size($0 + "/f") == 6 })
      #expect(try await mount.holds { try readFile($0 + "/f") == "longer" })
      cell.cell.makeFile(Self.bytes("new"), in: cell.root, Self.bytes("1"))
      await cell.cell.breakCallbacks([cell.root])
      #expect(try await mount.holds { exists($0 + "/new") })
      #expect(try await mount.run { try list($0) } == ["f", "new"])
      #expect(try await mount.run { try readFile($0 + "/new") } == "1")
    }
  }

  @Test("What a server forgot and said so is asked for again by the kernel")
  func initialized() async throws {
    try await MockedMount.with { cell, mounts in
      let made = cell.cell.makeFile(Self.bytes("f"), in: cell.root, Self.bytes("old"))
      let file = try #require(made)
      #expect(try await mounts[0].run { try readFile($0 + "/f") } == "old")
      cell.cell.forgetCallbacksSilently(server: 0)
      await cell.cell.overwrite(file, with: Self.bytes("changed"))
      cell.cell.makeFile(Self.bytes("new"), in: cell.root, [])
      // Somebody's first call after the restart makes the server greet its client.
      try await mounts[0].run { path in
        try writeFile(path + "/own", "")
      }
      #expect(try await mounts[0].holds { try readFile($0 + "/f") == "changed" })
      #expect(try await mounts[0].holds { try list($0) == ["f", "new", "own"] })
    }
  }

  @Test("Two mounts: 200 changes of either are seen by the other's next operation, none late")
  func twoMounts() async throws {
    // A kernel of a busy machine may hear of a break after the ten milliseconds that its answer waits: here it has the time.
    try await MockedMount.with(mounts: 2, { $0.settleTime = .seconds(20) }) { _, mounts in
      for step in 0..<100 {
        let (writer, reader) = (mounts[step % 2], mounts[1 - step % 2])
        let text = String(repeating: "\(step) ", count: 1 + step % 50)
        try await writer.run { path in
          try writeFile(path + "/file", text)
          try writeFile("\(path)/name-\(step)", "x")
          if step > 0 { try call(unlink("\(path)/name-\(step - 1)")) }
        }
        let isSeen: @Sendable (String) throws -> Bool = { path in
          try readFile(path + "/file") == text && exists("\(path)/name-\(step)")
            && (step == 0 || !exists("\(path)/name-\(step - 1)")) && list(path) == ["file", "name-\(step)"]
        }
        #expect(try await reader.run(isSeen), "step \(step)")
      }
    }
  }

  @Test("A damaged directory is EIO, and the mount goes on")
  func damaged() async throws {
    try await MockedMount.with { cell, mounts in
      let made = cell.cell.makeDirectory("d", in: cell.root)
      let directory = try #require(made)
      cell.cell.makeFile(Self.bytes("inside"), in: directory, Self.bytes("text"))
      cell.cell.makeFile(Self.bytes("f"), in: cell.root, Self.bytes("fine"))
      #expect(try await mounts[0].run { try list($0) } == ["d", "f"])
      cell.cell.addFault(.init(operation: "FetchData64", times: nil, fault: .truncateData(1000)))
      await #expect(throws: CallError(EIO)) { try await mounts[0].run { try list($0 + "/d") } }
      await #expect(throws: CallError(EIO)) { try await mounts[0].run { try writeFile($0 + "/d/new", "") } }
      cell.cell.clearFaults()
      #expect(try await mounts[0].run { try readFile($0 + "/f") } == "fine")
      #expect(try await mounts[0].run { try list($0 + "/d") } == ["inside"])
      #expect(try await mounts[0].run { try readFile($0 + "/d/inside") } == "text")
    }
  }

  @Test("A call that waits for a stuck server is ended by a signal, and the mount goes on")
  func signal() async throws {
    try await MockedMount.with { cell, mounts in
      _ = cell.cell.makeDirectory("d", in: cell.root)
      #expect(try await mounts[0].run { try list($0) } == ["d"])
      cell.cell.addFault(.init(operation: "FetchData64", times: nil, fault: .hang(.seconds(600))))
      let start = ContinuousClock.now
      await #expect(throws: CallError(EINTR)) {
        try await mounts[0].run(interruptedAfter: .milliseconds(500)) { try list($0 + "/d") }
      }
      #expect(ContinuousClock.now - start < .seconds(15))
      cell.cell.clearFaults()
      #expect(try await mounts[0].run { try list($0 + "/d") } == [])
      try await mounts[0].run { try writeFile($0 + "/g", "written") }
      #expect(try await mounts[0].run { try readFile($0 + "/g") } == "written")
    }
  }
}
