package import AFSBase
package import AFSTypes
import CKeyutils
import Glibc

/// The tokens in a session keyring: keys with the description `afs@CELL`, of type `rxrpc` where the kernel has that,
/// else of type `user`.
///
/// All calls are short system calls. A process without a session keyring of its own sees its user's default one
/// (session-keyring(7)); it is never given a new one, which would end with the process.
package struct SessionKeyring: Sendable {
  /// What a look for a cell's key found.
  package enum Finding: Hashable, Sendable {
    case key(serial: Int32)
    /// There is none.
    case none
    /// There is one that was revoked and is not collected yet.
    case revoked
    case expired
  }

  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    package var text: String
    package var description: String { text }
  }

  private static let types = ["rxrpc", "user"]
  private let keyring: Int32

  /// The caller's session keyring.
  package init() {
    keyring = KEY_SPEC_SESSION_KEYRING
  }

  /// A keyring by its serial number.
  package init(serial: Int32) {
    keyring = serial
  }

  package static func description(of cell: CellName) -> String { "afs@\(cell.text)" }

  // MARK: Reading

  package func find(_ cell: CellName) -> Finding {
    var finding = Finding.none
    for type in Self.types {
      let serial = keyctl_search(keyring, type, Self.description(of: cell), 0)
      if serial > 0 { return .key(serial: Int32(truncatingIfNeeded: serial)) }
      switch errno {
      case EKEYREVOKED: finding = .revoked
      case EKEYEXPIRED: if finding == .none { finding = .expired }
      default: break
      }
    }
    return finding
  }

  /// Differs when a key or what is in it differs: a key of type `user` is changed in place, and keeps its number. The
  /// same in one process only.
  package func stamp(serial: Int32) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(serial)
    var memory: UnsafeMutableRawPointer?
    let count = keyctl_read_alloc(serial, &memory)
    if count >= 0, let memory {
      hasher.combine(bytes: UnsafeRawBufferPointer(start: memory, count: Int(count)))
      explicit_bzero(memory, Int(count))
      free(memory)
    }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// The token in a key.
  /// - Throws: a text when it cannot be read, or is none.
  package func token(serial: Int32, cell: CellName) throws(Failure) -> Token {
    var memory: UnsafeMutableRawPointer?
    let count = keyctl_read_alloc(serial, &memory)
    guard count >= 0, let memory else { throw Self.failure("key \(serial) cannot be read") }
    defer {
      explicit_bzero(memory, Int(count))
      free(memory)
    }
    var payload = [UInt8](UnsafeRawBufferPointer(start: memory, count: Int(count)))
    defer { ConstantTime.wipe(&payload) }
    let source = TokenSource.keyring(serial: serial)
    do throws(KeyPayloadError) {
      if type(of: serial) == "rxrpc" { return try RxrpcKeyPayload.token(payload, cell: cell, source: source) }
      return try UserKeyPayload.token(payload, cell: cell, source: source)
    } catch {
      throw Failure(text: "key \(serial) is no token: \(error)")
    }
  }

  /// The cells for which the keyring itself (not a keyring linked to it) has keys.
  package var cells: [CellName] {
    var memory: UnsafeMutableRawPointer?
    let count = keyctl_read_alloc(keyring, &memory)
    guard count >= 0, let memory else { return [] }
    defer { free(memory) }
    let serials = UnsafeRawBufferPointer(start: memory, count: Int(count)).bindMemory(to: Int32.self)
    var cells: Set<CellName> = []
    for serial in serials {
      guard let text = Self.describe(serial), Self.types.contains(String(text.type)),
        text.description.hasPrefix("afs@"), let cell = CellName(text.description.dropFirst(4))
      else { continue }
      cells.insert(cell)
    }
    return cells.sorted()
  }

  private func type(of serial: Int32) -> String? { Self.describe(serial).map { String($0.type) } }

  /// `type;uid;gid;perm;description` (keyctl_describe(3)).
  private static func describe(_ serial: Int32) -> (type: Substring, description: Substring)? {
    var text: UnsafeMutablePointer<CChar>?
    guard keyctl_describe_alloc(serial, &text) >= 0, let text else { return nil }
    defer { free(text) }
    let fields = String(cString: text).split(separator: ";", maxSplits: 4, omittingEmptySubsequences: false)
    guard fields.count == 5 else { return nil }
    return (fields[0], fields[4])
  }

  // MARK: Changing

  /// Puts a token in, in place of the cell's last one. The kernel drops it when it expires.
  /// - Returns: the key's serial number.
  package func store(_ token: Token, now: WallTime) throws(Failure) -> Int32 {
    // Without the look a process that has no session keyring would be given one that ends with it.
    let target = keyctl_get_keyring_ID(keyring, 0)
    guard target > 0 else { throw Self.failure("the session keyring cannot be found") }
    var payload = RxrpcKeyPayload.payload(of: token)
    var (serial, code) = add("rxrpc", token, &payload, to: target)
    // No such key type in this kernel, or not for this process.
    if serial < 0, code == ENODEV || code == ENOPKG || code == EPROTONOSUPPORT {
      payload = UserKeyPayload.payload(of: token)
      (serial, code) = add("user", token, &payload, to: target)
    }
    guard serial > 0 else { throw Self.failure("the token cannot be put into the session keyring", code) }
    let seconds = token.expires.seconds - now.seconds
    if seconds > 0 { _ = keyctl_set_timeout(serial, UInt32(clamping: seconds)) }
    return serial
  }

  /// - Parameter payload: is wiped: an array of its own, for a shared one would leave the other copy.
  /// - Returns: the key's serial number, or what went wrong.
  private func add(
    _ type: String, _ token: Token, _ payload: inout [UInt8], to target: Int32
  ) -> (serial: Int32, errno: Int32) {
    defer { ConstantTime.wipe(&payload) }
    let serial = add_key(type, Self.description(of: token.cell), payload, payload.count, target)
    return (serial, errno)
  }

  /// Takes a cell's token out, and makes it useless for who holds it otherwise.
  /// - Returns: false when there was none.
  package func remove(_ cell: CellName) throws(Failure) -> Bool {
    var isFound = false
    for type in Self.types {
      let serial = Int32(truncatingIfNeeded: keyctl_search(keyring, type, Self.description(of: cell), 0))
      guard serial > 0 else { continue }
      isFound = true
      guard keyctl_revoke(serial) == 0 else { throw Self.failure("key \(serial) cannot be revoked") }
      _ = keyctl_unlink(serial, keyring)
    }
    return isFound
  }

  private static func failure(_ text: String, _ code: Int32 = errno) -> Failure {
    Failure(text: "\(text): \(String(cString: strerror(code)))")
  }
}
