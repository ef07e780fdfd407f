import AFSBase
import AFSClient
import AFSMockServer
import AFSRPC
import AFSTypes
import RxCore
import RxTesting
import RxTransport
import TestWorld
import Testing

/// What administrators' tools (cmdebug, xstat_cm_test, afsmonitor) ask a client.
@Suite struct CallbackTableTests {
  /// The client's tables as a tool on the first server's host sees them.
  private func tool(_ world: World) -> RXAFSCBClient {
    RXAFSCBClient(
      caller: world.servers[0], peer: world.clients[0].host.address, options: RxCallOptions(deadline: .seconds(10)))
  }

  private func abort(_ body: () async throws(RxCallError) -> Void) async -> AbortCode? {
    do {
      try await body()
      return nil
    } catch .aborted(let code) {
      return code
    } catch {
      return AbortCode(-1)
    }
  }

  @Test("Every vnode is listed once, with its FID, promise, opens and writers; none looks like a process")
  func entries() throws {
    try World.run(seed: 1) { world async throws in
      let client = world.clients[0]
      try await client.write("f", pattern(1000))
      try await client.makeDirectory("d")
      let file = try await client.open("f", writes: true)
      try await file.write([1], at: 5000)
      let tool = tool(world)
      var entries: [AFSDBCacheEntry64] = []
      while true {
        let index = Int32(entries.count)
        do throws(RxCallError) {
          entries.append(try await tool.getCE64(index: index))
        } catch {
          // What ends the list for cmdebug; any other code is an error to it.
          #expect(error == .aborted(AbortCode(1)))
          break
        }
      }
      #expect(entries.count == client.fileSystem.status.vnodeCount)
      #expect(entries.allSatisfy { $0.address != 0 })
      #expect(Set(entries.map(\.address)).count == entries.count)
      let fid = try #require(world.cell.find(["f"], in: world.rootCell))
      let entry = try #require(entries.first { $0.fid.vnode == UInt32(fid.vnode) })
      #expect(entry.opens == 1 && entry.writers == 1 && entry.callBack == 1 && entry.states & 1 == 1)
      #expect(entry.callBackExpires > 0 && entry.mvstat == 0)
      let root = try #require(entries.first { $0.fid.vnode == 1 })
      #expect(root.mvstat == 2)
      let short = try await tool.getCE(index: entry.address - 1)
      #expect(short.fid.vnode == entry.fid.vnode && short.length == 1000 && short.opens == 1)
      for index in [Int32(-1), .min, .max] {
        #expect(await abort { () throws(RxCallError) in _ = try await tool.getCE(index: index) } == AbortCode(1))
      }
      await file.close()
    }
  }

  @Test("The table of global locks is empty: its end comes at once")
  func locks() throws {
    try World.run(seed: 2) { world async throws in
      let tool = tool(world)
      for index in [Int32(0), 1, -1, .max] {
        #expect(await abort { () throws(RxCallError) in _ = try await tool.getLock(index: index) } == AbortCode(1))
      }
    }
  }

  @Test("Cells are listed with their servers and nothing else")
  func cells() throws {
    try World.run(seed: 3) { world async throws in
      let tool = tool(world)
      let first = try await tool.getCellServDB(index: 0)
      #expect(first.cellName == Array("mock.example".utf8))
      #expect(first.hosts == [0x0A00_0164])
      #expect(try await tool.getCellServDB(index: 1).cellName == [])
      #expect(try await tool.getCellServDB(index: .max).cellName == [])
      #expect(try await tool.getLocalCell() == Array("mock.example".utf8))
    }
  }

  @Test("The performance collections have OpenAFS's sizes, and count what there is; others do not exist")
  func statistics() throws {
    try World.run(seed: 4) { world async throws in
      let client = world.clients[0]
      try await client.write("f", pattern(1000))
      let tool = tool(world)
      let short = try await tool.getXStats(clientVersion: 2, collection: 1)
      #expect(short.serverVersion == 2 && short.data.count == 159)
      let full = try await tool.getXStats(clientVersion: 2, collection: 2)
      #expect(full.data.count == 775)
      // numFullPerfCalls; numCellsVisible, numCellsContacted, cacheBlocksTotal of the collection within.
      #expect(full.data[0] == 2 && full.data[3] == 1 && full.data[4] == 1 && full.data[10] == 256 << 10)
      #expect(full.data[36] > 0, "callbacks")
      #expect(try await tool.getXStats(clientVersion: 2, collection: 0).data == [])
      for collection in [Int32(3), -1, .max] {
        let code = await abort { () throws(RxCallError) in
          _ = try await tool.getXStats(clientVersion: 2, collection: collection)
        }
        #expect(code == AbortCode(1))
      }
    }
  }
}
