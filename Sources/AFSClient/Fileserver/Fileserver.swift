package import AFSBase
package import RxCore
import Synchronization

/// Names a fileserver: by the UUID that the VL server knows, or (old entries) by its address.
package enum FileserverID: Hashable, Sendable {
  case uuid(AFSUUID)
  case address(RxAddress)
}

/// A fileserver with all its addresses, and what we know of its health.
package final class Fileserver: Sendable {
  package struct AddressState: Hashable, Sendable {
    package var address: RxAddress
    /// Smoothed time of small calls; nil until one has been answered.
    package var roundTrip: Duration?
    /// Since when it has not answered; nil while it does.
    package var downSince: MonotonicTime?
  }

  private struct State {
    var addresses: [AddressState]
    /// The VL server's serial number of the address list; a change means: ask for the addresses again.
    var listVersion: UInt32?
    var callbackBreaks: UInt64 = 0
    var capabilities: UInt32?
    var lastCall: MonotonicTime?
    var lastProbe: MonotonicTime?
    var lastFailure: MonotonicTime?
    var callsInFlight = 0
    var callCount: UInt64 = 0
  }

  package let id: FileserverID
  /// Held while the first contact is made.
  package let contactLock = AsyncLock()
  private let state: Mutex<State>

  package init(id: FileserverID, addresses: [RxAddress], listVersion: UInt32?) {
    self.id = id
    state = Mutex(
      State(
        addresses: addresses.map { AddressState(address: $0, roundTrip: nil, downSince: nil) },
        listVersion: listVersion))
  }

  package var uuid: AFSUUID? {
    if case .uuid(let uuid) = id { return uuid }
    return nil
  }

  // MARK: Addresses

  package var addresses: [AddressState] { state.withLock { $0.addresses } }
  package var listVersion: UInt32? { state.withLock { $0.listVersion } }

  /// Takes a new list; what is known of addresses in both lists stays.
  package func setAddresses(_ addresses: [RxAddress], listVersion: UInt32?) {
    state.withLock { state in
      let known = state.addresses
      state.addresses = addresses.map { address in
        known.first { $0.address == address }
          ?? AddressState(address: address, roundTrip: nil, downSince: nil)
      }
      state.listVersion = listVersion
    }
  }

  package func has(address: RxAddress) -> Bool {
    state.withLock { state in
      state.addresses.contains { $0.address.high == address.high && $0.address.low == address.low }
    }
  }

  package func answered(at address: RxAddress, after duration: Duration, now: MonotonicTime) {
    state.withLock { state in
      state.lastCall = now
      guard let index = state.addresses.firstIndex(where: { $0.address == address }) else { return }
      state.addresses[index].downSince = nil
      // The same smoothing as TCP's (RFC 6298 section 2: alpha 1/8).
      state.addresses[index].roundTrip = state.addresses[index].roundTrip.map { $0 * 7 / 8 + duration / 8 } ?? duration
    }
  }

  package func failedToAnswer(at address: RxAddress, now: MonotonicTime) {
    state.withLock { state in
      state.lastFailure = now
      guard let index = state.addresses.firstIndex(where: { $0.address == address }) else { return }
      if state.addresses[index].downSince == nil { state.addresses[index].downSince = now }
    }
  }

  package var isDown: Bool {
    state.withLock { state in !state.addresses.isEmpty && state.addresses.allSatisfy { $0.downSince != nil } }
  }

  /// None of its addresses answers, and the last attempt was not longer ago than `duration`.
  package func isDown(triedWithin duration: Duration, now: MonotonicTime) -> Bool {
    isDown && state.withLock { state in state.lastFailure.map { now - $0 < duration } ?? false }
  }

  package var lastCall: MonotonicTime? { state.withLock { $0.lastCall } }

  package var lastProbe: MonotonicTime? { state.withLock { $0.lastProbe } }

  package func probed(now: MonotonicTime) {
    state.withLock { $0.lastProbe = now }
  }

  package func callBegins() {
    state.withLock { state in
      state.callsInFlight += 1
      state.callCount += 1
    }
  }

  package func callEnded() {
    state.withLock { $0.callsInFlight -= 1 }
  }

  package var calls: (inFlight: Int, total: UInt64) { state.withLock { ($0.callsInFlight, $0.callCount) } }

  // MARK: What the server keeps for us

  /// Grows whenever the server says that it has forgotten its promises to us.
  package var callbackBreaks: UInt64 { state.withLock { $0.callbackBreaks } }

  package func forgotCallbacks() {
    state.withLock { $0.callbackBreaks += 1 }
  }

  /// The first word of the server's capabilities; nil before the first contact.
  package var capabilities: UInt32? {
    get { state.withLock { $0.capabilities } }
    set { state.withLock { $0.capabilities = newValue } }
  }
}

extension Fileserver: Hashable {
  package static func == (a: Fileserver, b: Fileserver) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
