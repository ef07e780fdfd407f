import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import TestWorld
import Testing

/// Volumes without room.
@Suite struct QuotaTests {
  @Test("A full volume is reported by the close, and what was stored before is intact", arguments: [true, false])
  func full(bySynchronizing: Bool) throws {
    try World.run(
      seed: 1,
      {
        $0.quota = 400
        $0.clients = 2
      }
    ) { world async throws in
      let client = world.clients[0]
      try await client.write("a", pattern(100_000))
      try await client.write("b", pattern(100_000, 1))
      let file = try await client.open("b", writes: true)
      try await file.write(pattern(500_000, 2), at: 100_000)
      let error = await failure {
        if bySynchronizing { try await file.synchronize() } else { try await file.flush() }
      }
      #expect(error == .quotaExceeded)
      await file.close()
      #expect(try await client.read("a") == pattern(100_000))
      #expect(try await world.clients[1].read("a") == pattern(100_000))
      #expect(try await world.clients[1].read("b") == pattern(100_000, 1))
      #expect(try await client.read("b") == pattern(100_000, 1), "what could not be stored is not shown as if it were")
      try await client.remove("a")
      try await client.write("c", pattern(100_000, 3))
      #expect(try await world.clients[1].read("c") == pattern(100_000, 3))
    }
  }

  @Test("A full volume refuses new names, and says how full it is")
  func names() throws {
    try World.run(seed: 2, { $0.quota = 10 }) { world async throws in
      let client = world.clients[0]
      var made = 0
      let error = await failure {
        while made < 100 {
          try await client.makeDirectory("d\(made)")
          made += 1
        }
      }
      #expect(error == .quotaExceeded)
      #expect(try await client.list().count == made)
      let statistics = try await client.fileSystem.statistics(of: client.fileSystem.root, as: client.identity)
      #expect(statistics.blocks == 10)
      #expect(statistics.blocksFree == 0)
      world.cell.setQuota(1000, volume: world.rootCell)
      try await client.makeDirectory("more")
    }
  }
}
