import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Testing

/// Calls with bulk data in their stream.
@Suite struct BulkDataTests {
  static let large: [UInt8] = {
    var generator = SeededGenerator(seed: 1)
    return (0..<1_000_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }()

  func client(_ service: any RxService) -> (RXAFSClient, LoopbackCaller) {
    let caller = LoopbackCaller(service)
    return (RXAFSClient(caller: caller, peer: StubTests.peer), caller)
  }

  func read<P>(_ call: RxFetchCall<P>, pieces: Int) async throws(RxCallError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieces, alignment: 8)
    defer { buffer.deallocate() }
    var result: [UInt8] = []
    while call.remaining > 0 {
      let count = try await call.receive(into: buffer)
      result += buffer[..<count]
    }
    return result
  }

  func send<P>(_ bytes: [UInt8], to call: RxStoreCall<P>, last: Bool) async throws(RxCallError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await call.send(UnsafeRawBufferPointer(buffer), last: last)
  }

  func start(_ client: RXAFSClient, length: Int64 = 5_000_000) async throws(RxCallError)
    -> RxFetchCall<RXAFS.FetchData64>
  {
    try await client.startFetchData64(fid: SampleServer.fid, position: 3, length: length)
  }

  // MARK: Fetch

  @Test("Data streams: the whole is never in memory", arguments: [1000, 4096, 65536])
  func fetch(pieces: Int) async throws {
    let (client, caller) = client(RXAFSDispatcher(SampleServer(content: Self.large)))
    let call = try await start(client)
    #expect(call.length == 999_997)
    #expect(try await read(call, pieces: pieces) == [UInt8](Self.large[3...]))
    let results = try await call.finish()
    #expect(results.status.length64 == 1_000_000)
    #expect(caller.waitingMax <= 10_000)
  }

  @Test("No data at all")
  func fetchNothing() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    let call = try await start(client)
    #expect(call.length == 0)
    #expect(try await call.finish().status.length64 == 0)
  }

  @Test("An abort instead of data is thrown at the start")
  func fetchAborted() async {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    await #expect(throws: RxCallError.aborted(.vNoVnode)) {
      _ = try await client.startFetchData64(fid: AFSFid(), position: 0, length: 1)
    }
  }

  @Test("To finish before all data is read ends the call")
  func fetchUnfinished() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer(content: Self.large)))
    let call = try await start(client)
    await #expect(throws: RxCallError.abortedLocally(.rxUserAbort)) { _ = try await call.finish() }
  }

  @Test("A call that is dropped is aborted: the server does not wait for ever")
  func fetchDropped() async throws {
    let (client, caller) = client(RXAFSDispatcher(SampleServer(content: Self.large)))
    var stream: (any RxStream)?
    do {
      let call = try await start(client)
      stream = call.stream
    }
    let rest = try #require(stream)
    await #expect(throws: RxCallError.abortedLocally(.rxUserAbort)) { _ = try await rest.receive(count: 100) }
    #expect(caller.waitingMax <= 10_000)
  }

  @Test("A handler which sends less than it announced gets its call aborted")
  func fetchShort() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    await #expect(throws: RxCallError.aborted(.rxgenServerMarshal)) {
      let call = try await client.startFetchData(fid: SampleServer.fid, position: 0, length: 3)
      _ = try await read(call, pieces: 100)
    }
  }

  @Test("The 32-bit procedure's length is one word")
  func fetch32() async throws {
    let (client, _) = client(ScriptedService(reply: [0, 0, 0, 3, 7, 8, 9] + [UInt8](repeating: 0, count: 120)))
    let call = try await client.startFetchData(fid: SampleServer.fid, position: 0, length: 3)
    #expect(call.length == 3)
    #expect(try await read(call, pieces: 100) == [7, 8, 9])
    #expect(try await call.finish().status == AFSFetchStatus())
  }

  @Test("Replies of a faulty server", arguments: [0, 7, 8, 10])
  func fetchCut(count: Int) async throws {
    let reply: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 3, 1, 2]
    let (client, _) = client(ScriptedService(reply: [UInt8](reply.prefix(count))))
    let text =
      count < 8
      ? "FetchData64: the data's length is cut off at byte \(count)"
      : "FetchData64: the data ends \(11 - count) bytes early"
    await #expect(throws: RxCallError.malformedReply(text)) {
      let call = try await start(client)
      _ = try await read(call, pieces: 100)
    }
  }

  @Test("Results that are cut off, or too long, name procedure and place")
  func fetchBadResults() async throws {
    let head: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
    let (short, _) = client(ScriptedService(reply: head + [UInt8](repeating: 0, count: 119)))
    let shortCall = try await start(short)
    await #expect(
      throws: RxCallError.malformedReply("FetchData64: spare6 (uint32) at byte 116: truncated, 1 bytes missing")
    ) { _ = try await shortCall.finish() }
    let (long, _) = client(ScriptedService(reply: head + [UInt8](repeating: 0, count: 121)))
    let longCall = try await start(long)
    await #expect(throws: RxCallError.malformedReply("FetchData64: end (message) at byte 120: 1 bytes left over")) {
      _ = try await longCall.finish()
    }
  }

  @Test("A negative length, as old servers send it, is none")
  func negativeLength() async throws {
    let reply = [UInt8](repeating: 0xFF, count: 8) + [UInt8](repeating: 0, count: 120)
    let (client, _) = client(ScriptedService(reply: reply))
    let call = try await start(client)
    #expect(call.length == 0)
    #expect(try await call.finish().status == AFSFetchStatus())
  }

  // MARK: Store

  @Test("A store streams; the last piece may say so or not", arguments: [true, false])
  func store(marked: Bool) async throws {
    let server = SampleServer()
    let (client, caller) = client(RXAFSDispatcher(server))
    let call = try await client.startStoreData64(
      fid: SampleServer.fid, storeStatus: AFSStoreStatus(), position: 0, length: 1_000_000, fileLength: 1_000_000)
    try await send([UInt8](Self.large[..<600_000]), to: call, last: false)
    try await send([UInt8](Self.large[600_000...]), to: call, last: marked)
    #expect(try await call.finish().status.length64 == 1_000_000)
    #expect(server.bytes == Self.large)
    #expect(caller.waitingMax <= 10_000)
  }

  @Test("A store without data")
  func storeNothing() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    let call = try await client.startStoreData64(
      fid: SampleServer.fid, storeStatus: AFSStoreStatus(), position: 0, length: 0, fileLength: 0)
    #expect(try await call.finish().status.length64 == 0)
  }

  @Test("More data than the arguments promised is refused")
  func storeTooMuch() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    let call = try await client.startStoreData64(
      fid: SampleServer.fid, storeStatus: AFSStoreStatus(), position: 0, length: 3, fileLength: 3)
    try await send([1, 2, 3, 4], to: call, last: true)
    await #expect(throws: RxCallError.aborted(.rxgenServerUnmarshal)) { _ = try await call.finish() }
  }

  @Test("A server that refuses ends the sending")
  func storeRefused() async throws {
    let (client, _) = client(RXAFSDispatcher(SampleServer()))
    let call = try await client.startStoreData64(
      fid: AFSFid(), storeStatus: AFSStoreStatus(), position: 0, length: 1_000_000, fileLength: 1_000_000)
    await #expect(throws: RxCallError.aborted(.vNoVnode)) {
      try await send(Self.large, to: call, last: true)
      _ = try await call.finish()
    }
  }
}
