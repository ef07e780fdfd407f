import AFSBase
import Glibc
import Rx
import Testing

/// The table 'What a client gets' of Docs/librx.md, row by row, over sockets. (Of paths that carry no large packets
/// tell PathMTUDialogueTests and contrib/bench/rx/mtu.)
@Suite(.timeLimit(.minutes(2))) struct OutcomeTests {
  /// A server on loopback, a client, and a path between them where a test wants one.
  private struct Pair {
    let server: RxTransport
    let client = try! RxTransport()

    init() throws {
      server = try Self.makeServer()
    }

    static func makeServer() throws -> RxTransport {
      let server = try RxTransport(options: RxTransportOptions(address: RxAddress(ipv4: INADDR_LOOPBACK, port: 0)))
      server.register(
        Answering(id: ServiceID(1)) { stream in
          guard let request = try? await stream.receive(count: 1 << 20) else { return }
          try? await stream.send(request, last: true)
        })
      server.register(Answering(id: ServiceID(2)) { stream in _ = try? await stream.receive(count: 1) })
      server.register(Answering(id: ServiceID(3)) { stream in stream.abort(AbortCode(ENOENT)) })
      server.register(
        Answering(id: ServiceID(4)) { stream in
          // More than a packet: what does not fill one waits for more, or for the end.
          try? await stream.send([UInt8](repeating: 1, count: 10_000), last: false)
          let (never, end) = AsyncStream<Void>.makeStream()
          for await _ in never {}
          end.finish()
        })
      return server
    }

    func target(_ service: UInt16) -> RxTarget {
      RxTarget(peer: RxAddress(ipv4: INADDR_LOOPBACK, port: server.boundPort), service: ServiceID(service))
    }

    /// What a small call ends with; nil for a reply.
    func error(
      of target: RxTarget, _ options: RxCallOptions = RxCallOptions(), request: [UInt8] = [1, 2, 3, 4]
    ) async -> RxCallError? {
      do throws(RxCallError) {
        _ = try await client.roundTrip(request, to: target, options: options, replyMax: 1 << 20)
        return nil
      } catch {
        return error
      }
    }

    /// A call whose reply has begun.
    func streaming(
      _ target: RxTarget, _ options: RxCallOptions = RxCallOptions()
    ) async throws -> any RxStream {
      let stream = try await client.startCall(to: target, options: options)
      try await stream.send([1], last: true)
      #expect(try await stream.receive(count: 1) == [1])
      return stream
    }

    func shutDown() async {
      await client.shutDown()
      await server.shutDown()
    }
  }

  private struct Answering: RxService {
    let id: ServiceID
    let body: @Sendable (any RxStream) async -> Void

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async { await body(stream) }
  }

  @Test("A service that the server does not have: RX_INVALID_OPERATION")
  func unknownService() async throws {
    let pair = try Pair()
    #expect(await pair.error(of: pair.target(77)) == .aborted(.rxInvalidOperation))
    await pair.shutDown()
  }

  @Test("A handler that returns early: RX_USER_ABORT")
  func returnsEarly() async throws {
    let pair = try Pair()
    #expect(await pair.error(of: pair.target(2)) == .aborted(.rxUserAbort))
    await pair.shutDown()
  }

  @Test("A handler that aborts with a code: that code")
  func aborts() async throws {
    let pair = try Pair()
    #expect(await pair.error(of: pair.target(3)) == .aborted(AbortCode(ENOENT)))
    await pair.shutDown()
  }

  @Test("Nobody listens: ECONNREFUSED, at once")
  func nobodyListens() async throws {
    let pair = try Pair()
    await pair.server.shutDown()
    #expect(await pair.error(of: pair.target(1)) == .unreachable(ECONNREFUSED))
    await pair.shutDown()
  }

  @Test("Nothing comes back: the dead time, or the deadline, whichever is shorter")
  func silence() async throws {
    let pair = try Pair()
    let path = try Path()
    defer { path.end() }
    let target = RxTarget(peer: path.address, service: ServiceID(1))
    #expect(RxCallOptions().deadTime == .seconds(50))
    #expect(await pair.error(of: target, RxCallOptions(deadTime: .seconds(1))) == .timedOut(.dead))
    #expect(await pair.error(of: target, RxCallOptions(deadline: .seconds(1))) == .timedOut(.hard))
    await pair.shutDown()
  }

  @Test("The server lives, but its handler is slow: nothing, the idle time, or the deadline")
  func slowHandler() async throws {
    let pair = try Pair()
    let target = pair.target(4)
    #expect(await pair.error(of: target, RxCallOptions(idleTime: .seconds(1))) == .timedOut(.idle))
    // The dead time does not count: the server answers pings.
    #expect(
      await pair.error(of: target, RxCallOptions(deadline: .seconds(5), deadTime: .seconds(2))) == .timedOut(.hard))
    await pair.shutDown()
  }

  @Test("The server shuts down: VRESTARTING for calls under way")
  func serverShutsDown() async throws {
    let pair = try Pair()
    let stream = try await pair.streaming(pair.target(4))
    await pair.server.shutDown()
    let error = await #expect(throws: RxCallError.self) { try await stream.receive(count: 1 << 20) }
    // Its own word, or the kernel's that its port was closed: whichever is seen first.
    #expect([.aborted(.rxRestarting), .unreachable(ECONNREFUSED)].contains(error))
    await pair.shutDown()
  }

  @Test("The server dies and comes back: calls under way run into the dead time, later ones are served")
  func serverRestarts() async throws {
    let pair = try Pair()
    let path = try Path(to: pair.server.boundPort)
    defer { path.end() }
    let target = RxTarget(peer: path.address, service: ServiceID(4))
    let stream = try await pair.streaming(target, RxCallOptions(deadTime: .seconds(3)))
    let restarted = try Pair.makeServer()
    path.lead(to: restarted.boundPort)
    let error = await #expect(throws: RxCallError.self) { try await stream.receive(count: 1 << 20) }
    #expect(error == .timedOut(.dead))
    #expect(await pair.error(of: RxTarget(peer: path.address, service: ServiceID(1))) == nil)
    await pair.shutDown()
    await restarted.shutDown()
  }

  /// Whose credentials have run out.
  private final class Expired: RxClientSecurity {
    let securityIndex: UInt8 = 2

    func openConnection(_ context: RxSecurityContext) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
      throw RxSecurityFailure(code: .rxkadExpired, reason: "the ticket has expired")
    }
  }

  @Test("Security that refuses here: its reason, and nothing is sent")
  func securityRefuses() async throws {
    let pair = try Pair()
    var target = pair.target(1)
    target.security = pair.client.register(Expired())
    let error = await pair.error(of: target)
    #expect(error == .security("the ticket has expired"))
    await pair.shutDown()
  }

  /// A class that the server does not know.
  private final class Foreign: RxClientSecurity {
    let securityIndex: UInt8 = 5

    func openConnection(_ context: RxSecurityContext) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
      Connection()
    }

    private final class Connection: RxClientConnectionSecurity {
      let headerByteCount = 0
      let trailerByteCountMax = 0

      func seal(
        _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
      ) -> RxSealedPacket { RxSealedPacket(byteCount: payloadByteCount, checksum: 0) }

      func open(
        _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
      ) throws(RxSecurityFailure) -> Range<Int> { 0..<body.count }

      func respond(
        to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
      ) throws(RxSecurityFailure) -> [UInt8] { [] }
    }
  }

  @Test("Security that the server does not have for the service: RX_INVALID_OPERATION")
  func foreignSecurity() async throws {
    let pair = try Pair()
    var target = pair.target(1)
    target.security = pair.client.register(Foreign())
    let error = await pair.error(of: target, RxCallOptions(deadTime: .seconds(3)))
    #expect(error == .aborted(.rxInvalidOperation))
    await pair.shutDown()
  }

  @Test("The client's transport was shut down: shutDown, and its calls under way likewise")
  func clientShutsDown() async throws {
    let pair = try Pair()
    let stream = try await pair.streaming(pair.target(4))
    await pair.client.shutDown()
    await #expect(throws: RxCallError.shutDown) { try await stream.receive(count: 1 << 20) }
    #expect(await pair.error(of: pair.target(1)) == .shutDown)
    await pair.shutDown()
  }

  @Test("A reply that is longer than wanted: malformedReply")
  func longReply() async throws {
    let pair = try Pair()
    let error = await #expect(throws: RxCallError.self) {
      try await pair.client.roundTrip([1, 2, 3], to: pair.target(1), options: RxCallOptions(), replyMax: 2)
    }
    guard case .malformedReply = error else { return #expect(Bool(false), "\(String(describing: error))") }
    await pair.shutDown()
  }
}
