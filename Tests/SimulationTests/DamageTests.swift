import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import TestWorld
import Testing

/// Servers that send what cannot be right.
@Suite struct DamageTests {
  /// Strikes the first FetchData64 of the root directory.
  static let damages: [FaultPlan.Fault] = [
    .truncateData(0), .truncateData(100), .truncateData(2000), .truncateData(2048), .truncateData(5000),
    .corruptData(from: 0), .corruptData(from: 40), .corruptData(from: 200), .corruptData(from: 3000),
  ]

  @Test("A damaged directory is an error, nothing else suffers, and the next answer is taken", arguments: damages)
  func directory(damage: FaultPlan.Fault) throws {
    try World.run(seed: 1) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeDirectory("d", in: world.root)
      let directory = try #require(made)
      for index in 0..<200 { world.cell.makeFile(Array("file-\(index)".utf8), in: directory, [UInt8(index)]) }
      world.cell.makeFile(Array("f".utf8), in: world.root, [7])
      #expect(try await client.read("f") == [7])
      world.cell.addFault(.init(operation: "FetchData64", fault: damage))
      let error = await failure { try await client.list("d") }
      let isCorrupt = try #require(error).isCorrupt
      #expect(isCorrupt, "\(String(describing: error))")
      #expect(try await client.read("f") == [7])
      #expect(try await client.list() == ["d", "f"])
      #expect(try await client.list("d").count == 200)
      #expect(try await client.read("d/file-77") == [77])
      try await client.write("d/new", "text")
      #expect(try await client.list("d").count == 201)
    }
  }

  @Test("A directory that stays damaged stays an error for lookups and changes too, and goes on being asked for")
  func lastingDamage() throws {
    try World.run(seed: 2) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeDirectory("d", in: world.root)
      let directory = try #require(made)
      world.cell.makeFile(Array("f".utf8), in: directory, [1])
      world.cell.makeFile(Array("g".utf8), in: world.root, [2])
      _ = try await client.list()
      world.cell.addFault(.init(operation: "FetchData64", times: nil, fault: .truncateData(1000)))
      typealias Step = () async throws -> Void
      let steps: [Step] = [
        { _ = try await client.list("d") },
        { _ = try await client.read("d/f") },
        { try await client.makeDirectory("d/e") },
        { try await client.remove("d/f") },
        { try await client.rename("g", to: "d/g") },
      ]
      for (index, step) in steps.enumerated() {
        let error = await failure(step)
        #expect(error?.isCorrupt == true, "step \(index): \(String(describing: error))")
      }
      #expect(try await client.attributes("d").kind == .directory)
      #expect(try await client.list() == ["d", "g"])
      world.cell.clearFaults()
      #expect(try await client.list("d") == ["f"])
      try await client.rename("g", to: "d/g")
      #expect(try await client.read("d/g") == [2])
    }
  }

  @Test("A file of which the server sends less than it has is no shorter for that", arguments: [0, 1, 5000])
  func shortFile(limit: UInt64) throws {
    try World.run(seed: 3) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(20_000))
      #expect(try await client.attributes("f").size == 20_000)
      world.cell.addFault(.init(operation: "FetchData64", fault: .truncateData(limit)))
      // An error is right too: what is wrong is a file that ends early.
      if let bytes = try? await client.read("f") { #expect(bytes == pattern(20_000)) }
      #expect(try await client.read("f") == pattern(20_000))
    }
  }
}
