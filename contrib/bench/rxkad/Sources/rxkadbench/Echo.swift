import AFSBase
import AFSTypes
import Glibc
import RxCore
import RxSecurity
import RxTransport

/// A service that takes calls with rxkad and without, under a key that is no secret, and a client of it which nobody has
/// seen before: for `contrib/bench/rx/halfopen`.
enum Echo {
  struct Service: RxService {
    let id = ServiceID(200)

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      guard let request = try? await stream.receive(count: 4096) else { return }
      try? await stream.send(request, last: true)
      try? await stream.finish()
    }
  }

  private static let clock: @Sendable () -> WallTime = { WallTime(seconds: Int64(time(nil))) }
  private static let key = SecretBytes([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1])

  static func serve(port: UInt16) async throws {
    let transport = try RxTransport(options: RxTransportOptions(port: port))
    var keys = RxkadServerKeys()
    keys.add(key, version: 1, enctype: 1)
    transport.register(Service())
    transport.register(RxkadServerSecurity(keys: keys, clock: clock), for: ServiceID(200))
    try await transport.timer.sleep(until: .distantFuture)
  }

  /// Makes one call from a port of its own and prints how long that took.
  static func call(_ server: RxAddress, isSecure: Bool) async throws {
    let transport = try RxTransport()
    var reference = RxClientSecurityReference.none
    if isSecure {
      let now = Int64(time(nil))
      let ticket = NativeTicket.seal(
        RxkadTicket(
          client: RxPrincipal(name: "bench", cell: ""), sessionKey: key, starts: now - 60,
          ends: now + 3600),
        server: RxPrincipal(name: "afs", cell: ""), key: key)!
      reference = transport.register(
        try RxkadClientSecurity(
          RxkadCredential(keyVersion: 1, sessionKey: key, ticket: ticket), level: .crypt, clock: clock))
    }
    let request = [UInt8](repeating: 7, count: 3000)
    var start = timespec()
    clock_gettime(CLOCK_MONOTONIC, &start)
    let reply = try await transport.roundTrip(
      request, to: RxTarget(peer: server, service: ServiceID(200), security: reference),
      options: RxCallOptions(deadline: .seconds(60)), replyMax: 4096)
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    guard reply == request else { throw ServerCheck.Failure(text: "the reply is another") }
    print(Double(end.tv_sec - start.tv_sec) * 1e3 + Double(end.tv_nsec - start.tv_nsec) / 1e6)
    await transport.shutDown()
  }
}
