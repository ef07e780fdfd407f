import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// Ordinary work on networks that are not.
@Suite struct NetworkTests {
  struct Weather: CustomTestStringConvertible, Sendable {
    let name: String
    let conditions: NetworkConditions
    var testDescription: String { name }
  }

  static let weathers: [Weather] = [
    Weather(
      name: "2 % lost",
      conditions: NetworkConditions(delay: .milliseconds(5), jitter: .zero, lostPerMille: 20)),
    Weather(
      name: "10 % lost", conditions: NetworkConditions(delay: .milliseconds(2), jitter: .zero, lostPerMille: 100)),
    Weather(
      name: "every third twice, reordered",
      conditions: NetworkConditions(
        delay: .milliseconds(5), jitter: .milliseconds(30), lostPerMille: 0, duplicatedPerMille: 333)),
    Weather(
      name: "all of it",
      conditions: NetworkConditions(
        delay: .milliseconds(10), jitter: .milliseconds(20), lostPerMille: 70, duplicatedPerMille: 70)),
  ]

  @Test("Work is done on a bad network", arguments: weathers, [1, 2, 3] as [UInt64])
  func work(weather: Weather, seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.conditions = weather.conditions
      }
    ) { world async throws in
      let (client, other) = (world.clients[0], world.clients[1])
      try await client.makeDirectory("d")
      for index in 0..<20 { try await client.write("d/f\(index)", pattern(index * 700, index)) }
      let large = pattern(700_000)
      try await client.write("large", large)
      #expect(try await other.read("large") == large)
      #expect(try await other.list("d").count == 20)
      for index in 0..<20 { #expect(try await other.read("d/f\(index)") == pattern(index * 700, index)) }
      try await other.rename("d/f3", to: "moved")
      try await other.remove("d/f4")
      #expect(try await client.list("d").count == 18)
      #expect(try await client.read("moved") == pattern(3 * 700, 3))
    }
  }

  @Test("Twenty programs at once on one client, on a bad network", arguments: [1, 2, 3] as [UInt64])
  func atOnce(seed: UInt64) throws {
    try World.run(seed: seed, { $0.conditions = .bad }) { world async throws in
      let client = world.clients[0]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<20 {
          group.addTask {
            try await client.makeDirectory("d\(index)")
            for round in 0..<4 {
              try await client.write("d\(index)/f\(round)", pattern(10_000 + index, round))
              try await client.write("shared-\(index % 5)", pattern(100, index))
            }
            for round in 0..<4 {
              #expect(try await client.read("d\(index)/f\(round)") == pattern(10_000 + index, round))
            }
            try await client.rename("d\(index)/f0", to: "d\(index)/g")
            #expect(try await client.list("d\(index)") == ["f1", "f2", "f3", "g"])
          }
        }
        try await group.waitForAll()
      }
      #expect(try await client.list().count == 25)
      #expect(world.cell.names(in: world.root)?.count == 25)
    }
  }

  @Test(
    "A path that is gone for up to a minute delays a store, and one that is gone for long loses none",
    arguments: [5, 60, 300])
  func outage(seconds: Int) throws {
    try World.run(seed: 4, { $0.conditions = NetworkConditions(delay: .milliseconds(10)) }) { world async throws in
      let client = world.clients[0]
      _ = try await client.list()
      let bytes = pattern(3_000_000)
      let writing = world.start { try await client.write("f", bytes) }
      // In the middle of the store, which takes a dozen round trips.
      try await world.sleep(.milliseconds(100))
      world.servers[0].setDown(true)
      let fileBefore = world.cell.find(["f"], in: world.rootCell)
      #expect(fileBefore.flatMap { world.cell.contents(of: $0) } != bytes)
      try await world.sleep(.seconds(seconds))
      world.servers[0].setDown(false)
      let result = await writing.result
      if seconds < 100 {
        try result.get()
      } else {
        // The close has said that the data is not stored; it is kept, and stored when the server is back.
        #expect(throws: AFSError.timedOut) { try result.get() }
        try await world.sleep(.seconds(120))
      }
      let fid = try #require(world.cell.find(["f"], in: world.rootCell))
      #expect(world.cell.contents(of: fid) == bytes)
      #expect(try await client.read("f") == bytes)
    }
  }
}
