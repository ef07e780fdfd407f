public import AFSBase
public import AFSCredentials
import AFSRPC
public import AFSTypes
import RxCore

/// A token that is held, without its secrets: for people and tools.
public struct HeldToken: Sendable, Hashable {
  public enum State: String, Sendable, Hashable {
    case valid
    case expired
    /// The cell's servers do not take it.
    case refused
    /// Its user took it away; what he had written waits for the next one.
    case withdrawn
    /// There is none.
    case none
  }

  public var identity: Identity
  public var cell: CellName
  public var state: State
  /// Empty when it is not known, or there is no token.
  public var principal: String
  /// The user's number in the cell; nil when it is not known.
  public var viceID: Int32?
  public var expires: WallTime?
  public var source: String
  /// Why there is no better one.
  public var trouble: String?
}

/// Tokens, as commands see and change them.
extension AFSFileSystem {
  /// The tokens held. AFS ids that are not known yet are asked for at the cells' protection servers.
  /// - Parameter identity: whose; nil is everybody's.
  public func tokens(of identity: Identity?) async -> [HeldToken] {
    let holder = identity.map { context.holder(of: $0) }
    var found: [HeldToken] = []
    for (key, entry) in context.credentials.all {
      guard holder == nil || key.identity == holder, let cell = context.cells.cell(number: key.cell) else { continue }
      if case .token(let token) = entry.held.holding, token.viceID == nil {
        if let id = await context.viceID(of: token, in: cell) {
          context.credentials.change(key) { $0.held.learned(viceID: id, of: token) }
        }
      }
      found.append(HeldToken(context.credentials.entry(key) ?? entry, key.identity, cell.name))
    }
    return found.sorted { ($0.identity.uid, $0.cell) < ($1.identity.uid, $1.cell) }
  }

  /// Takes a token that a user hands over.
  public func take(_ token: Token, from identity: Identity) async throws(AFSError) {
    let cell = try await context.cell(named: token.cell)
    try await context.take(token, from: identity, in: cell)
  }

  /// Forgets a user's token for one cell, or for all; what Kerberos tickets would give stays away until they change.
  public func withdrawTokens(of identity: Identity, in cell: CellName?) {
    for known in context.cells.all where cell == nil || known.name == cell {
      let isHeld = context.credentials.entry(.init(identity: context.holder(of: identity), cell: known.number)) != nil
      if isHeld || cell != nil { context.withdrawTokens(of: identity, in: known) }
    }
  }
}

extension HeldToken {
  init(_ entry: CredentialTable.Entry, _ identity: Identity, _ cell: CellName) {
    let token = entry.held.token
    let state: State =
      switch entry.held.holding {
      case .unknown, .none: .none
      case .token: .valid
      case .lapsed(_, .expired): .expired
      case .lapsed(_, .refused): .refused
      case .lapsed(_, .withdrawn): .withdrawn
      }
    self.init(
      identity: identity, cell: cell, state: state, principal: token?.principal ?? "", viceID: token?.viceID,
      expires: token?.expires, source: token?.source.description ?? "", trouble: entry.held.trouble)
  }
}

extension ClientContext {
  /// The user's number in the cell; nil when nobody says.
  func viceID(of token: Token, in cell: Cell) async -> Int32? {
    guard let name = token.protectionName else { return nil }
    return await ProtectionServers.viceID(
      of: name, at: cell.locationServers.map { RxAddress(high: $0.high, low: $0.low, port: ProtectionServers.port) },
      caller: caller)
  }
}
