import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Testing

/// Client stub, dispatcher and handler together, over a loopback stream.
@Suite struct StubTests {
  static let peer = RxAddress(ipv4: 0x7F00_0001, port: 7000)
  let target = RxTarget(peer: peer, service: RXAFS.serviceID)

  func client(_ service: any RxService) -> RXAFSClient {
    RXAFSClient(caller: LoopbackCaller(service), peer: Self.peer)
  }

  var sample: RXAFSClient { client(RXAFSDispatcher(SampleServer(content: [1, 2, 3, 4, 5]))) }

  func raw(_ request: [UInt8]) async throws(RxCallError) -> [UInt8] {
    try await LoopbackCaller(RXAFSDispatcher(SampleServer())).roundTrip(
      request, to: target, options: RxCallOptions(), replyMax: 1000)
  }

  // MARK: Plain calls

  @Test("Several results come in a struct")
  func results() async throws {
    let reply = try await sample.fetchStatus(fid: SampleServer.fid)
    #expect(reply.status.length64 == 5)
    #expect(reply.status.version == DataVersion(0x1_0000_0003))
    #expect(reply.status.type == .file)
    #expect(reply.callBack.expirationTime == 3600)
    #expect(reply.sync.spare1 == 5)
  }

  @Test("One result comes as itself; the handler knows its caller")
  func singleResult() async throws {
    #expect(try await sample.getCapabilities() == [7, 4])
  }

  @Test("A procedure without results")
  func noResults() async throws {
    try await sample.giveUpCallBacks(fids: [SampleServer.fid, SampleServer.fid], callBacks: [])
  }

  @Test("Names are bytes of any kind")
  func names() async throws {
    let reply = try await sample.removeFile(directory: SampleServer.fid, name: [0x66, 0xE9])
    #expect(reply.directoryStatus.unixModeBits == 0o644)
  }

  @Test("A handler's abort code reaches the caller")
  func abort() async {
    await #expect(throws: RxCallError.aborted(.vNoVnode)) {
      _ = try await sample.fetchStatus(fid: AFSFid(volume: 1, vnode: 2, unique: 3))
    }
  }

  @Test("What a handler leaves out is refused")
  func missing() async {
    await #expect(throws: RxCallError.aborted(.rxgenOpcode)) { _ = try await sample.getTime() }
    await #expect(throws: RxCallError.aborted(.rxgenOpcode)) {
      try await sample.startStoreData(
        fid: SampleServer.fid, storeStatus: AFSStoreStatus(), position: 0, length: 0, fileLength: 0
      ).finish()
    }
  }

  @Test("A result above the interface's limit becomes RXGEN_SS_MARSHAL")
  func longResult() async {
    await #expect(throws: RxCallError.aborted(.rxgenServerMarshal)) { _ = try await sample.getRootVolume() }
  }

  @Test("An argument above the interface's limit fails before anything is sent")
  func longArgument() async {
    await #expect(throws: RxCallError.abortedLocally(.rxgenClientMarshal)) {
      _ = try await sample.removeFile(directory: SampleServer.fid, name: [UInt8](repeating: 0x61, count: 257))
    }
    await #expect(throws: RxCallError.abortedLocally(.rxgenClientMarshal)) {
      try await sample.giveUpCallBacks(fids: [AFSFid](repeating: AFSFid(), count: 51), callBacks: [])
    }
  }

  // MARK: Bad requests

  @Test(
    "Requests which are not what the interface says",
    arguments: [
      ([], .rxgenServerUnmarshal), ([0, 0, 0], .rxgenServerUnmarshal), ([0, 0, 0, 0], .rxgenOpcode),
      ([0xFF, 0xFF, 0xFF, 0xFF], .rxgenOpcode),
      // FetchStatus: too short, too long
      ([0, 0, 0, 132, 0, 0, 0, 1], .rxgenServerUnmarshal),
      ([0, 0, 0, 132] + [UInt8](repeating: 0, count: 13), .rxgenServerUnmarshal),
      // GetCapabilities takes nothing
      ([0, 1, 0, 4, 0], .rxgenServerUnmarshal),
      // GiveUpCallBacks: 51 FIDs; a length without its FIDs; far too much
      ([0, 0, 0, 147, 0, 0, 0, 51], .rxgenServerUnmarshal),
      ([0, 0, 0, 147, 0, 0, 0, 50, 0, 0, 0, 0], .rxgenServerUnmarshal),
      ([0, 0, 0, 147] + [UInt8](repeating: 0, count: 30_000), .rxgenServerUnmarshal),
      // StoreData64, cut off in its arguments
      ([0, 1, 0, 2, 0, 0, 0, 1], .rxgenServerUnmarshal),
    ] as [([UInt8], AbortCode)])
  func badRequests(request: [UInt8], code: AbortCode) async {
    await #expect(throws: RxCallError.aborted(code)) { _ = try await raw(request) }
  }

  // MARK: Bad replies

  @Test("A reply that is cut off names procedure, field and place")
  func shortReply() async {
    let short = client(ScriptedService(reply: [UInt8](repeating: 0, count: 90)))
    await #expect(
      throws: RxCallError.malformedReply(
        "FetchStatus: expirationTime (uint32) at byte 88: truncated, 2 bytes missing")
    ) { _ = try await short.fetchStatus(fid: SampleServer.fid) }
  }

  @Test("A reply with a length above the limit")
  func longArrayInReply() async {
    let long = client(ScriptedService(reply: [0, 0, 0, 197]))
    await #expect(
      throws: RxCallError.malformedReply(
        "GetCapabilities: capabilities (array) at byte 0: length 197 above the limit 196")
    ) { _ = try await long.getCapabilities() }
  }

  @Test("A reply with bytes left over")
  func longReply() async {
    let long = client(ScriptedService(reply: [0, 0, 0, 1, 0, 0, 0, 7, 9, 9]))
    await #expect(
      throws: RxCallError.malformedReply("GetCapabilities: end (message) at byte 8: 2 bytes left over")
    ) { _ = try await long.getCapabilities() }
  }

  @Test("The request's bytes: opcode, then arguments")
  func requestBytes() async throws {
    let service = ScriptedService(reply: [UInt8](repeating: 0, count: 24))
    _ = try await client(service).setLock(fid: AFSFid(volume: 1, vnode: 2, unique: 3), type: 1)
    #expect(service.lastRequest == [0, 0, 0, 156, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1])
  }
}
