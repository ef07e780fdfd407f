public import AFSBase
import AFSTypes
import CCrypto
public import RxCore

/// Tickets of Kerberos 4's form, which AFS's own servers also make for themselves: text and numbers under DES in PCBC
/// mode, the server's key being key and initialization vector (OpenAFS src/rxkad/ticket.c).
public enum NativeTicket {
  /// Names, the final zero included (OpenAFS src/rxkad/rxkad.p.h, MAXKTCNAMELEN).
  static let nameByteCountMax = 64
  /// Tickets of this size are taken whatever they hold (ticket.c, decode_athena_ticket).
  private static let traditionalByteCount = 56

  // MARK: Opening

  static func open(_ bytes: UnsafeRawBufferPointer, key: SecretBytes) throws(RxSecurityFailure) -> RxkadTicket {
    guard RxkadCredential.ticketByteCounts.contains(bytes.count), bytes.count.isMultiple(of: 8) else {
      throw bad("has a wrong length")
    }
    guard key.count == 8 else { throw RxSecurityFailure(code: .rxkadBadKey, reason: "the server's key is no DES key") }
    var clear = [UInt8](repeating: 0, count: bytes.count)
    defer { ConstantTime.wipe(&clear) }
    guard crypt(false, key, bytes, &clear) else { throw bad("cannot be decrypted by libcrypto") }
    return try parse(clear)
  }

  private static func bad(_ what: String) -> RxSecurityFailure {
    RxSecurityFailure(code: .rxkadBadTicket, reason: "a native ticket \(what)")
  }

  private static func crypt(
    _ encrypts: Bool, _ key: SecretBytes, _ bytes: UnsafeRawBufferPointer, _ out: inout [UInt8]
  ) -> Bool {
    key.withUnsafeBytes { key in
      afsfuse_des_pcbc(encrypts ? 1 : 0, key.baseAddress, key.baseAddress, bytes.baseAddress, &out, bytes.count) == 1
    }
  }

  static func parse(_ clear: [UInt8]) throws(RxSecurityFailure) -> RxkadTicket {
    var reader = NativeTicketReader(clear)
    guard reader.takeByteOrder(), let client = reader.principal(),
      // An address of the client.
      reader.number() != nil,
      let key = reader.take(8), let lifetime = reader.take(1)?.first, let start = reader.number(),
      // The server's name.
      reader.string(atLeast: 1) != nil, reader.string(atLeast: 0) != nil
    else { throw bad("is malformed: it may be encrypted with another key") }
    guard (reader.taken + 7) & ~7 == clear.count || clear.count == traditionalByteCount else {
      throw bad("is malformed: it has bytes left over")
    }
    return RxkadTicket(
      client: client, sessionKey: SecretBytes(key), starts: Int64(start),
      ends: TicketLifetime.end(start: Int64(start), byte: lifetime))
  }

  // MARK: Making

  /// - Parameter server: whom the ticket is for; OpenAFS's servers do not look at it.
  /// - Returns: nil when a name or the times do not fit into a native ticket.
  public static func seal(_ ticket: RxkadTicket, server: RxPrincipal, key: SecretBytes) -> SecretBytes? {
    guard let lifetime = TicketLifetime.byte(start: ticket.starts, end: ticket.ends), key.count == 8,
      ticket.sessionKey.count == 8
    else { return nil }
    var clear: [UInt8] = []
    // All at once: an array that grows leaves copies of the key behind.
    clear.reserveCapacity(5 * nameByteCountMax + 24)
    clear.append(0)
    defer { ConstantTime.wipe(&clear) }
    for (name, minimum) in [(ticket.client.name, 1), (ticket.client.instance, 0), (ticket.client.cell, 0)] {
      guard append(name, atLeast: minimum, to: &clear) else { return nil }
    }
    clear.append(word: 0)
    ticket.sessionKey.withUnsafeBytes { clear.append(contentsOf: $0) }
    clear.append(lifetime)
    clear.append(word: UInt32(truncatingIfNeeded: ticket.starts))
    for (name, minimum) in [(server.name, 1), (server.instance, 0)] {
      guard append(name, atLeast: minimum, to: &clear) else { return nil }
    }
    while clear.count % 8 != 0 || clear.count < RxkadCredential.ticketByteCounts.lowerBound { clear.append(0) }
    var sealed = [UInt8](repeating: 0, count: clear.count)
    return clear.withUnsafeBytes { crypt(true, key, $0, &sealed) } ? SecretBytes(sealed) : nil
  }

  private static func append(_ name: String, atLeast minimum: Int, to bytes: inout [UInt8]) -> Bool {
    guard (minimum..<nameByteCountMax).contains(name.utf8.count), !name.utf8.contains(0) else { return false }
    bytes += Array(name.utf8) + [0]
    return true
  }
}
