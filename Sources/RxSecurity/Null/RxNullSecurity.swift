public import RxCore

/// The security class without security, index 0 (OpenAFS src/rx/rx_null.c). Endpoints have it built in as
/// `RxClientSecurityReference.none`, at no cost; this object is for those who want to name it.
public final class RxNullClientSecurity: RxClientSecurity {
  public let securityIndex: UInt8 = 0

  public init() {}

  public func openConnection(
    _ context: RxSecurityContext
  ) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
    RxNullConnection()
  }
}

/// The server's side of the class without security.
public final class RxNullServerSecurity: RxServerSecurity {
  public let securityIndex: UInt8 = 0

  public init() {}

  public func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity {
    RxNullConnection()
  }
}

/// Leaves packets as they are.
final class RxNullConnection: RxClientConnectionSecurity, RxServerConnectionSecurity {
  let headerByteCount = 0
  let trailerByteCountMax = 0
  let isAuthenticated = true

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    RxSealedPacket(byteCount: payloadByteCount, checksum: 0)
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    0..<body.count
  }

  /// Nobody challenges without a class; an empty answer does no harm.
  func respond(
    to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
  ) throws(RxSecurityFailure) -> [UInt8] { [] }

  func challenge() -> [UInt8] { [] }

  func accept(response: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]? { nil }
}
