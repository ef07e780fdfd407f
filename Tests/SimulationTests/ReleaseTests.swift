import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import TestWorld
import Testing

/// What a client makes of the date that replies carry of their volume.
@Suite struct ReleaseTests {
  @Test("A release whose breaks were lost shows itself in the next answer for any file of the volume")
  func seenByDate() throws {
    try World.run(seed: 1, { $0.clients = 0 }) { world async throws in
      let old = (0..<3).map { world.cell.makeFile(Array("f\($0)".utf8), in: world.root, [1]) }
      world.cell.makeFile(Array("later".utf8), in: world.root, [1])
      await world.cell.release("root.cell", to: [0])
      let client = world.addClient()
      for index in 0..<3 { #expect(try await client.read("f\(index)") == [1]) }
      for fid in old { await world.cell.overwrite(try #require(fid), with: [2, 2]) }
      await world.cell.release("root.cell", to: [0], breaksCallbacks: false)
      // Promises still stand: what is known is believed.
      #expect(try await client.read("f0") == [1])
      // The contents of a file which was not read yet are asked for, and the answer says what has happened.
      _ = try await client.read("later")
      for index in 0..<3 { #expect(try await client.read("f\(index)") == [2, 2]) }
      #expect(client.log.lines(with: "was released").count == 1)
    }
  }

  @Test("Unchanged files of a released volume are not fetched again")
  func dataStays() throws {
    try World.run(seed: 2, { $0.clients = 0 }) { world async throws in
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(300_000))
      await world.cell.release("root.cell", to: [0])
      let client = world.addClient()
      _ = try await client.read("f")
      let before = world.cell.bytesFetched
      await world.cell.release("root.cell", to: [0])
      #expect(try await client.read("f") == pattern(300_000))
      #expect(world.cell.bytesFetched == before)
    }
  }
}
