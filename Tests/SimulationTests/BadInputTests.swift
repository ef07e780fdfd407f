import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxCore
import RxTesting
import TestWorld
import Testing

/// Cells, volumes and mount points that are not what they should be: an error within seconds, and nothing else.
@Suite struct BadInputTests {
  private func expect(
    _ error: AFSError, within limit: Duration, _ world: World, _ client: Client, _ path: String
  ) async {
    let start = world.now
    let seen = await failure { try await client.list(path) }
    #expect(seen == error, "\(path)")
    #expect(world.now - start < limit, "\(path)")
  }

  @Test("Mount points of cells and volumes that do not exist")
  func unknown() throws {
    try World.run(seed: 1) { world async throws in
      let client = world.clients[0]
      let targets: [(name: String, target: String, AFSError)] = [
        ("cell", "#nowhere.example:root.cell.", .noSuchCell), ("volume", "#no.such.volume.", .noSuchVolume),
        ("number", "#123456.", .noSuchVolume), ("readonly", "#root.cell.readonly.", .noSuchVolume),
        ("backup", "%root.cell.backup.", .noSuchVolume), ("empty", "#.", .noSuchVolume),
        ("noise", "hello", .noSuchVolume), ("colon", "#:root.cell.", .noSuchVolume),
        ("long", "#" + String(repeating: "x", count: 900) + ".", .noSuchVolume),
      ]
      for (name, target, _) in targets { world.cell.makeMountPoint(name, in: world.root, target: target) }
      #expect(try await client.list().count == targets.count)
      for (name, _, error) in targets {
        #expect(try await client.attributes(name).kind == .directory)
        await expect(error, within: .seconds(5), world, client, name)
      }
      try await client.write("f", "text")
      #expect(try await client.readText("f") == "text")
    }
  }

  @Test("A volume that is mounted in itself ends somewhere")
  func loop() throws {
    try World.run(seed: 2) { world async throws in
      world.cell.makeMountPoint("again", in: world.root, target: "#root.cell.")
      let client = world.clients[0]
      try await client.write("f", "text")
      #expect(try await client.list("again/again/again") == ["again", "f"])
      #expect(try await client.readText("again/again/f") == "text")
      let path = Array(repeating: "again", count: 600).joined(separator: "/")
      await expect(.tooManySymbolicLinks, within: .seconds(60), world, client, path)
      #expect(try await client.list() == ["again", "f"])
    }
  }

  @Test("The dynamic root knows configured cells and no others")
  func cells() throws {
    try World.run(seed: 3, { $0.clients = 0 }) { world async throws in
      let client = world.addClient { $0.root = .dynamic }
      #expect(try await client.list() == [".mock.example", "@cell", "mock.example"])
      try await client.write("mock.example/f", "text")
      #expect(try await client.list(".mock.example") == ["f"])
      #expect(try await client.exists("nowhere.example") == false)
      #expect(try await client.exists("not a cell") == false)
      #expect(await failure { try await client.makeDirectory("d") } == .readOnly)
    }
  }

  @Test("A location server that is silent, gone or stuck is reported in bounded time", arguments: [0, 1, 2])
  func locationServers(kind: Int) throws {
    try World.run(seed: 4) { world async throws in
      switch kind {
      case 0: world.database.setDown(true)
      case 1: world.database.shutDown()
      default: world.cell.addFault(.init(operation: "GetEntryByNameU", times: nil, fault: .hang(.seconds(7200))))
      }
      let client = world.clients[0]
      let start = world.now
      let error = await failure { try await client.list() }
      #expect(error == .timedOut || error == .unreachable)
      #expect(world.now - start < .seconds(130))
      if kind == 0 { world.database.setDown(false) }
      if kind == 2 { world.cell.clearFaults() }
      // Not one wait after the other, but not for long either.
      let again = world.now
      #expect(await failure { try await client.list() } == error)
      #expect(world.now - again < .milliseconds(100))
      try await world.sleep(.seconds(11))
      if kind != 1 { #expect(try await client.list() == []) }
    }
  }

  @Test("A second location server answers for the first")
  func secondLocationServer() throws {
    try World.run(seed: 5) { world async throws in
      let silent = RxAddress(ipv4: 0x0A00_01C8, port: 7003)
      _ = world.simulator.host("silent", at: silent)
      let client = world.addClient { configuration in
        configuration.cells[0].locationServers.insert(silent, at: 0)
      }
      let start = world.now
      #expect(try await client.list() == [])
      #expect(world.now - start < .seconds(20))
    }
  }

  @Test("A fileserver that is stuck with a call is waited for, but other files of it are served")
  func stuck() throws {
    try World.run(seed: 6) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      world.cell.makeFile(Array("g".utf8), in: world.root, [2])
      _ = try await client.list()
      world.cell.addFault(.init(operation: "FetchData64", fault: .delay(.seconds(100))))
      let reading = world.start { try await client.read("f") }
      try await world.sleep(.seconds(1))
      let start = world.now
      #expect(try await client.read("g") == [2])
      #expect(world.now - start < .seconds(1))
      #expect(try await reading.value == [1])
    }
  }
}
