import AFSBase
import RxCore

extension FileserverRotation {
  /// A server as a candidate.
  package struct Server: Sendable, Hashable {
    package var addresses: [AddressHealth]
    /// Has an older copy while a release is under way: used only when no server with the new copy can be, so that a
    /// client does not go back and forth between two versions.
    package var isOutdated: Bool

    package init(addresses: [AddressHealth], isOutdated: Bool = false) {
      self.addresses = addresses
      self.isOutdated = isOutdated
    }
  }

  /// One address of one server, in the order in which they are tried.
  struct Candidate: Sendable, Hashable {
    var server: Int
    var address: RxAddress
    /// nil when it is up.
    var downSince: MonotonicTime?
    var hasAnswered: Bool

    /// Servers that are up come first: those with the newest copy, among them the preferred one, then the nearest by
    /// measured time. A server's nearest address comes first. Addresses that are down come last, and are left out when
    /// they were tried just now.
    static func order(
      _ servers: [Server], preferred: Int?, limits: Limits, now: MonotonicTime
    ) -> [Candidate] {
      typealias Ranked = (rank: [Int], candidates: [Candidate])
      var up: [Ranked] = []
      var down: [Ranked] = []
      for (index, server) in servers.enumerated() {
        let addresses = server.addresses.enumerated().sorted { a, b in
          // Of a server's addresses, those that have proved themselves come before unknown ones.
          (a.element.roundTrip.map(distance) ?? .max, a.offset) < (b.element.roundTrip.map(distance) ?? .max, b.offset)
        }
        .map(\.element)
        let answering = addresses.filter { !$0.isDown }
        let rank = [
          server.isOutdated ? 1 : 0, index == preferred ? 0 : 1,
          answering.compactMap(\.roundTrip).map(distance).min() ?? unknownDistance, index,
        ]
        up.append((rank, answering.map { Candidate(server: index, $0) }))
        let due = addresses.filter { isWorthATry($0, limits, now) }
        down.append((rank, due.map { Candidate(server: index, $0) }))
      }
      return [up, down].flatMap { ranked in
        ranked.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.flatMap(\.candidates)
      }
    }

    private init(server: Int, _ health: AddressHealth) {
      self.server = server
      address = health.address
      downSince = health.downSince
      hasAnswered = health.hasAnswered
    }

    private static func isWorthATry(_ health: AddressHealth, _ limits: Limits, _ now: MonotonicTime) -> Bool {
      guard let downSince = health.downSince else { return false }
      if health.hasAnswered, now < downSince + limits.wait(refused: health.isRefusing) { return true }
      return health.lastTried.map { now >= $0 + limits.downRetry } ?? true
    }

    /// Classes of distance: below 1 ms, 4 ms, 16 ms, 64 ms, 256 ms, and beyond. Wide enough that a busy moment does
    /// not make a client change servers, which costs both sides memory for promises.
    private static func distance(_ roundTrip: Duration) -> Int {
      var step = 0
      var bound = Duration.milliseconds(1)
      while roundTrip >= bound, step < 5 {
        step += 1
        bound *= 4
      }
      return step
    }

    /// Servers that were never called count as 4 to 16 ms away: they are tried when the known ones are farther.
    private static let unknownDistance = 2
  }
}
