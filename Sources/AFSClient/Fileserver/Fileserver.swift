package import AFSBase
package import AFSTypes
package import RxCore
import Synchronization

/// Names a fileserver: by the UUID that the VL server knows, or (old entries) by its address.
///
/// A UUID counts within its cell: the location servers of another cell could name ours with addresses of their own.
package enum FileserverID: Hashable, Sendable {
  case uuid(AFSUUID, in: CellName)
  case address(RxAddress)
}

/// A fileserver with all its addresses, and what we know of its health.
package final class Fileserver: Sendable {
  private struct State {
    var addresses: [AddressHealth]
    /// The VL server's serial number of the address list; a change means: ask for the addresses again.
    var listVersion: UInt32?
    var callbackBreaks: UInt64 = 0
    var capabilities: UInt32?
    var lacks64BitCalls = false
    var forgetting = ForgettingLimit.known
    var forgettingElsewhere = ForgettingLimit.unknown
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
        addresses: addresses.map(AddressHealth.init), listVersion: listVersion))
  }

  package var uuid: AFSUUID? {
    if case .uuid(let uuid, _) = id { return uuid }
    return nil
  }

  // MARK: Addresses

  package var addresses: [AddressHealth] { state.withLock { $0.addresses } }
  package var listVersion: UInt32? { state.withLock { $0.listVersion } }

  /// Takes a new list; what is known of addresses in both lists stays.
  package func setAddresses(_ addresses: [RxAddress], listVersion: UInt32?) {
    state.withLock { state in
      let known = state.addresses
      state.addresses = addresses.map { address in
        known.first { $0.address == address } ?? AddressHealth(address)
      }
      state.listVersion = listVersion
    }
  }

  package func has(address: RxAddress) -> Bool {
    state.withLock { state in
      state.addresses.contains { $0.address.high == address.high && $0.address.low == address.low }
    }
  }

  /// - Parameter duration: how long a small call took; nil when it says nothing of the distance.
  package func answered(at address: RxAddress, after duration: Duration?, now: MonotonicTime) {
    change(address) { $0.answered(after: duration, now: now) }
  }

  package func failedToAnswer(at address: RxAddress, refused: Bool, now: MonotonicTime) {
    change(address) { $0.failedToAnswer(refused: refused, now: now) }
  }

  private func change(_ address: RxAddress, _ body: (inout AddressHealth) -> Void) {
    state.withLock { state in
      guard let index = state.addresses.firstIndex(where: { $0.address == address }) else { return }
      body(&state.addresses[index])
    }
  }

  package func health(at address: RxAddress) -> AddressHealth? {
    state.withLock { state in state.addresses.first { $0.address == address } }
  }

  package func isDown(at address: RxAddress) -> Bool { health(at: address)?.isDown ?? false }

  /// None of the addresses answers.
  package var isDown: Bool {
    state.withLock { state in !state.addresses.isEmpty && state.addresses.allSatisfy(\.isDown) }
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

  /// It says that it has forgotten its promises, from an address of its own or from elsewhere: whether to act now.
  package func mayHaveForgotten(atItsAddress isItsAddress: Bool, now: MonotonicTime) -> Bool {
    state.withLock { isItsAddress ? $0.forgetting.asked(now: now) : $0.forgettingElsewhere.asked(now: now) }
  }

  package func hasDueForgetting(now: MonotonicTime) -> Bool {
    state.withLock { state in
      let (here, elsewhere) = (state.forgetting.due(now: now), state.forgettingElsewhere.due(now: now))
      return here || elsewhere
    }
  }

  /// The first word of the server's capabilities; nil before the first contact.
  package var capabilities: UInt32? {
    get { state.withLock { $0.capabilities } }
    set { state.withLock { $0.capabilities = newValue } }
  }

  /// It has refused FetchData64 or StoreData64 as unknown.
  package var lacks64BitCalls: Bool {
    get { state.withLock { $0.lacks64BitCalls } }
    set { state.withLock { $0.lacks64BitCalls = newValue } }
  }
}

extension Fileserver: Hashable {
  package static func == (a: Fileserver, b: Fileserver) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
