import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxCore
import RxTesting
import TestWorld
import Testing

/// Who is believed when he says that he has forgotten his promises.
@Suite struct ForgettingTests {
  @Test("Strangers who say that they have forgotten their promises cost nothing; a server at a new address is believed")
  func strangers() throws {
    try World.run(seed: 21, { $0.withKernel = true }) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      _ = try await client.list()
      let context = client.fileSystem.context
      let stranger = RxAddress(ipv4: 0x0A00_0909, port: 7000)
      let before = world.cell.callCounts
      // Neither the address nor the UUID is a known server's: nobody whom we believe anything has spoken.
      for index in 0..<100 {
        #expect(!context.callbacksForgotten(by: AFSUUID(high: UInt64(index), low: 7), at: stranger))
        #expect(!context.callbacksForgotten(by: nil, at: stranger))
      }
      #expect(try await client.readText("f") == "text")
      #expect(world.cell.callCounts == before)
      // A server may call from an address that is not in the location database; anybody may know its UUID.
      let uuid = world.cell.uuid(ofServer: 0)
      var believed = 0
      for _ in 0..<1000 {
        if context.callbacksForgotten(by: uuid, at: stranger) { believed += 1 }
      }
      #expect(believed == 1)
      // What was put off is done before long, once.
      let server = try #require(context.servers.all.first)
      let breaks = server.callbackBreaks
      try await world.sleep(.seconds(120))
      #expect(server.callbackBreaks == breaks + 1)
      #expect(context.callbacksForgotten(by: uuid, at: world.servers[0].address))
    }
  }
}
