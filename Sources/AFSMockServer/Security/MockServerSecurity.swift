import AFSBase
import AFSTypes
import RxCore
import RxSecurity
import Synchronization

/// rxkad at one mock server: the cell's keys and clock as they are when a connection begins, and the faults of its plan.
final class MockServerSecurity: RxServerSecurity {
  private let cell: MockCell
  private let server: Int?
  private let minimumLevel: RxkadLevel

  init(cell: MockCell, server: Int?, minimumLevel: RxkadLevel) {
    self.cell = cell
    self.server = server
    self.minimumLevel = minimumLevel
  }

  var securityIndex: UInt8 { RxkadClientSecurity.index }

  func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity {
    let (keys, fault) = cell.state.withLock { ($0.tickets.serverKeys, $0.authenticationFault(server: server)) }
    var level = minimumLevel
    if case .demand(let demanded) = fault { level = max(level, demanded) }
    let rxkad = RxkadServerSecurity(keys: keys, minimumLevel: level) { [cell] in cell.wallTime }
      .acceptConnection(context, nonce: nonce)
    switch fault {
    case .refuse, .challenge: return FaultyConnection(rxkad, fault)
    case .demand, nil: return rxkad
    }
  }
}

/// A connection that a fault strikes.
private final class FaultyConnection: RxServerConnectionSecurity {
  private let sound: any RxServerConnectionSecurity
  private let fault: AuthenticationFault?

  init(_ sound: any RxServerConnectionSecurity, _ fault: AuthenticationFault?) {
    self.sound = sound
    self.fault = fault
  }

  var headerByteCount: Int { sound.headerByteCount }
  var trailerByteCountMax: Int { sound.trailerByteCountMax }
  var isAuthenticated: Bool { sound.isAuthenticated }
  var authentication: RxAuthentication? { sound.authentication }

  func challenge() -> [UInt8] {
    if case .challenge(let bytes) = fault { return bytes }
    return sound.challenge()
  }

  func accept(response: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]? {
    if case .refuse(let code) = fault { throw RxSecurityFailure(code: code, reason: "the fault plan refuses it") }
    return try sound.accept(response: response)
  }

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    sound.seal(body, payloadByteCount: payloadByteCount, of: packet)
  }

  func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket) {
    sound.seal(first, second)
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    try sound.open(body, checksum: checksum, of: packet)
  }
}
