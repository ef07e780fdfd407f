public import AFSTypes
public import RxSecurity
import Synchronization

/// What goes wrong on purpose while a server finds out who its client is: part of the fault plan.
public enum AuthenticationFault: Sendable, Hashable {
  /// The response is refused with this code: RXKADEXPIRED, RXKADUNKNOWNKEY, RXKADBADTICKET and so on.
  case refuse(AbortCode)
  /// The challenge demands at least this level.
  case demand(RxkadLevel)
  /// The challenge has this body.
  case challenge([UInt8])

  /// Which connections a fault strikes.
  public struct Rule: Sendable, Hashable {
    /// A fileserver's number; nil for every server of the cell, the database servers too.
    public var server: Int?
    /// Connections that pass unharmed first.
    public var skip: Int
    /// How many connections are struck; nil for all that follow.
    public var times: Int?
    public var fault: AuthenticationFault

    public init(server: Int? = nil, skip: Int = 0, times: Int? = 1, fault: AuthenticationFault) {
      self.server = server
      self.skip = skip
      self.times = times
      self.fault = fault
    }
  }
}

extension MockCellState {
  /// What strikes this connection, and counts it.
  mutating func authenticationFault(server: Int?) -> AuthenticationFault? {
    for index in authenticationFaults.indices {
      let rule = authenticationFaults[index]
      guard rule.server == nil || rule.server == server else { continue }
      if rule.skip > 0 {
        authenticationFaults[index].skip -= 1
        continue
      }
      guard let times = rule.times else { return rule.fault }
      guard times > 0 else { continue }
      authenticationFaults[index].times = times - 1
      return rule.fault
    }
    return nil
  }
}

extension MockCell {
  public func addFault(_ rule: AuthenticationFault.Rule) {
    state.withLock { $0.authenticationFaults.append(rule) }
  }
}
