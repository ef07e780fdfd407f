public import AFSBase
public import AFSTypes
import Synchronization

/// The tokens of a session: the keys in its keyring first, then what Kerberos gives for its tickets.
///
/// A key that was in use and is taken away before its time ends access: Kerberos does not make up for it until the
/// tickets change. So does one that is found revoked, in use or not.
public final class SessionTokens: TokenProvider {
  private struct CellState {
    /// The key that gave the last token, and when that ends.
    var key: (serial: Int32, expires: WallTime)?
    /// The Kerberos tickets of which nothing more is wanted.
    var withdrawn: UInt64?
  }

  private let keyring: SessionKeyring?
  private let kerberos: KerberosTokens?
  private let wallTime: @Sendable () -> WallTime
  private let log: @Sendable (String) -> Void
  private let watch: KerberosWatch?
  private let cells = Mutex<[CellName: CellState]>([:])

  /// - Parameters:
  ///   - usesKeyring: look at the process's session keyring.
  ///   - kerberos: gets tokens automatically; nil: not.
  ///   - kerberosName: the full name of the cache or keytab that `kerberos` reads.
  ///   - log: for what a user should know and no caller is told.
  public init(
    usesKeyring: Bool, kerberos: KerberosTokens?, kerberosName: String?, wallTime: @escaping @Sendable () -> WallTime,
    log: @escaping @Sendable (String) -> Void
  ) {
    keyring = usesKeyring ? SessionKeyring() : nil
    self.kerberos = kerberos
    self.wallTime = wallTime
    self.log = log
    if let kerberos, let kerberosName {
      watch = KerberosWatch(kerberos.source, name: kerberosName, wallTime: wallTime)
    } else {
      watch = nil
    }
  }

  // MARK: Stamps

  public func stamp(for cell: CellName) -> UInt64 {
    var stamp = kerberosStamp
    switch keyring?.find(cell) {
    case .key(let serial)?: stamp ^= keyring?.stamp(serial: serial) ?? 0
    case .revoked?: stamp ^= 0x1234_5678_9ABC_DEF1
    case .expired?, SessionKeyring.Finding.none?, nil: break
    }
    return stamp
  }

  private var kerberosStamp: UInt64 { watch?.current ?? 0 }

  // MARK: Tokens

  public func token(for cell: CellName, insteadOf last: Token?) async -> TokenAnswer {
    let tickets = kerberosStamp
    switch ofKeyring(cell, insteadOf: last) {
    case .token(let token): return .token(token)
    case .withdrawn:
      withdraw(cell)
      return .none
    case .expired(let text):
      let answer = await ofKerberos(cell, tickets)
      return answer == .none ? .expired(text) : answer
    case .absent: return await ofKerberos(cell, tickets)
    }
  }

  public func withdraw(_ cell: CellName) {
    let stamp = kerberosStamp
    cells.withLock { $0[cell] = CellState(key: nil, withdrawn: stamp) }
  }

  private enum OfKeyring {
    case token(Token)
    case absent
    case expired(String)
    /// The key in use was taken away, or there is one that was revoked.
    case withdrawn
  }

  private func ofKeyring(_ cell: CellName, insteadOf last: Token?) -> OfKeyring {
    guard let keyring else { return .absent }
    let now = wallTime()
    switch keyring.find(cell) {
    case .key(let serial):
      do throws(SessionKeyring.Failure) {
        let token = try keyring.token(serial: serial, cell: cell)
        // A key put in by hand may outlive its token.
        if token.isExpired(at: now) { return .expired("the token in the session keyring has expired") }
        // What a server has refused is not offered to it again.
        if let last, last.ticket == token.ticket { return .absent }
        cells.withLock { $0[cell] = CellState(key: (serial, token.expires), withdrawn: nil) }
        return .token(token)
      } catch {
        log("session keyring, \(SessionKeyring.description(of: cell)): \(error)")
        return .absent
      }
    case .revoked: return .withdrawn
    case .none, .expired:
      let used = cells.withLock { cells in
        defer { cells[cell]?.key = nil }
        return cells[cell]?.key
      }
      guard let used else { return .absent }
      return used.expires > now ? .withdrawn : .expired("the token in the session keyring has expired")
    }
  }

  private func ofKerberos(_ cell: CellName, _ stamp: UInt64) async -> TokenAnswer {
    guard let kerberos else { return .none }
    let isWithdrawn = cells.withLock { cells in
      guard let withdrawn = cells[cell]?.withdrawn else { return false }
      if withdrawn == stamp { return true }
      cells[cell]?.withdrawn = nil
      return false
    }
    if isWithdrawn { return .none }
    do throws(KerberosError) {
      return .token(try await kerberos.token(for: cell, stamp: stamp, now: wallTime()))
    } catch {
      switch error {
      case .noCredentials: return .none
      case .expired(let text): return .expired(text)
      case .unknownService(let text), .unreachable(let text), .other(let text): return .failed(text)
      }
    }
  }
}
