import AFSTypes
import RxCore

/// The body of a CHALLENGE packet (OpenAFS src/rxkad/private_data.h, struct rxkad_v2Challenge and rxkad_oldChallenge).
struct RxkadChallenge: Hashable {
  /// 2 is today's; the old form, of 8 bytes, has no version and binds its response to no connection.
  enum Version: Hashable { case old, two }

  static let byteCount = 16
  static let oldByteCount = 8
  /// RXKAD_CHALLENGE_PROTOCOL_VERSION
  static let versionNumber: UInt32 = 2

  var version: Version
  /// Random; the response proves knowledge of the key by this number plus one.
  var id: UInt32
  /// The lowest level that the server takes, as a number that may mean nothing.
  var level: UInt32

  init(version: Version, id: UInt32, level: UInt32) {
    self.version = version
    self.id = id
    self.level = level
  }

  /// As the protocol has it, the size tells the version: more than 8 bytes are no old challenge.
  init(_ body: UnsafeRawBufferPointer) throws(RxSecurityFailure) {
    guard body.count >= (body.count > Self.oldByteCount ? Self.byteCount : Self.oldByteCount) else {
      throw RxSecurityFailure(code: .rxkadPacketShort, reason: "a challenge has only \(body.count) bytes")
    }
    if body.count == Self.oldByteCount {
      self.init(version: .old, id: body.word(0), level: body.word(1))
    } else {
      guard body.word(0) == Self.versionNumber else {
        throw RxSecurityFailure(
          code: .rxkadInconsistency, reason: "a challenge has version \(body.word(0)), which is unknown")
      }
      self.init(version: .two, id: body.word(1), level: body.word(2))
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    switch version {
    case .old:
      bytes.append(word: id)
      bytes.append(word: level)
    case .two:
      bytes.append(word: Self.versionNumber)
      bytes.append(word: id)
      bytes.append(word: level)
      bytes.append(word: 0)
    }
    return bytes
  }
}
