import AFSBase
package import AFSCredentials
package import AFSMockServer
package import AFSTypes
import RxCore
import RxSecurity
package import RxTransport
import Synchronization

/// A user with Kerberos tickets for the mock cell, as a mount of his own finds them: kinit, kdestroy, a KDC that is silent.
package final class TicketHolder: TokenProvider {
  private struct State {
    var stamp: UInt64 = 1
    /// When his ticket-granting ticket ends; nil without one.
    var ends: WallTime?
    var isSilent = false
    var asked = 0
  }

  private let cell: MockCell
  private let timer: any RxTimer
  private let user: String
  private let state = Mutex(State())

  /// How long libkrb5 waits for a silent KDC, about.
  private static let silence = Duration.seconds(30)
  private static let tokenLifetimeMax: Int64 = 10 * 3600

  package init(_ user: String, cell: MockCell, timer: any RxTimer) {
    self.user = user
    self.cell = cell
    self.timer = timer
  }

  package func kinit(for lifetime: Int64) {
    let ends = WallTime(seconds: timer.wallTime.seconds + lifetime)
    state.withLock {
      $0.ends = ends
      $0.stamp += 1
    }
  }

  package func kdestroy() {
    state.withLock {
      $0.ends = nil
      $0.stamp += 1
    }
  }

  /// The ticket is renewed, in the daemon: nothing is to be seen of it.
  package func extend(for lifetime: Int64) {
    let ends = WallTime(seconds: timer.wallTime.seconds + lifetime)
    state.withLock { $0.ends = ends }
  }

  package var isKDCSilent: Bool {
    get { state.withLock { $0.isSilent } }
    set { state.withLock { $0.isSilent = newValue } }
  }

  /// Questions to the KDC.
  package var asked: Int { state.withLock { $0.asked } }

  // MARK: Provider

  package func stamp(for cell: CellName) -> UInt64 { state.withLock { $0.stamp } }

  package func token(for name: CellName, insteadOf last: Token?) async -> TokenAnswer {
    let now = timer.wallTime
    guard let ends = state.withLock({ $0.ends }) else { return .none }
    if ends <= now { return .expired("the ticket of \(user) has expired") }
    let isSilent = state.withLock { state in
      state.asked += 1
      return state.isSilent
    }
    if isSilent {
      try? await timer.sleep(until: timer.now + Self.silence)
      return .failed("no KDC answers")
    }
    let lifetime = min(ends.seconds - now.seconds, Self.tokenLifetimeMax)
    let credential = cell.makeCredential(for: user) { $0.lifetime = .seconds(lifetime) }
    return .token(
      Token(
        cell: name, principal: "\(user)@MOCK.EXAMPLE", viceID: nil, keyVersion: credential.keyVersion,
        sessionKey: credential.sessionKey, ticket: credential.ticket, begins: now,
        expires: WallTime(seconds: now.seconds + lifetime), source: .credentialCache("FILE:simulated")))
  }

  package func withdraw(_ cell: CellName) {}
}
