import RxCore

/// What rxkad knows a connection by: epoch, connection id and security class, as 16 bytes in network order with a
/// checksum's place between them (OpenAFS src/rxkad/private_data.h, struct rxkad_endpoint).
struct RxkadEndpointIdentity: Hashable {
  static let byteCount = 16

  let epoch: UInt32
  /// The channel bits are zero.
  let cid: UInt32
  let securityIndex: UInt32

  init(_ context: RxSecurityContext) {
    epoch = context.epoch
    cid = context.cid & ~3
    securityIndex = UInt32(context.securityIndex)
  }

  init(epoch: UInt32, cid: UInt32, securityIndex: UInt32) {
    self.epoch = epoch
    self.cid = cid
    self.securityIndex = securityIndex
  }

  /// The last block of the identity under the key (rxkad_common.c, rxkad_DeriveXORInfo).
  func checksumVector(_ key: FcryptKey) -> FcryptBlock {
    var bytes: [4 of UInt32] = [epoch.bigEndian, cid.bigEndian, 0, securityIndex.bigEndian]
    return withUnsafeMutableBytes(of: &bytes) { bytes in
      key.encryptChained(bytes, vector: key.vector)
      return FcryptBlock(loading: bytes.baseAddress! + 8)
    }
  }
}
