import AFSBase
import AFSTypes
import RxCore

/// Which clients were promised a callback for which files by one mock fileserver.
struct CallbackRegistry: Sendable {
  /// A client host: where its callback service listens, and the UUID by which it is known.
  struct Host: Hashable, Sendable {
    var address: RxAddress
  }

  private var promises: [FID: [Host: MonotonicTime]] = [:]
  private(set) var known: [Host: AFSUUID] = [:]

  /// Callback promises that have not expired are counted by `fs`-like tools and by tests.
  var count: Int { promises.values.reduce(0) { $0 + $1.count } }

  mutating func promise(_ fid: FID, to host: Host, until expiry: MonotonicTime) {
    promises[fid, default: [:]][host] = expiry
  }

  mutating func met(_ host: Host, uuid: AFSUUID) {
    known[host] = uuid
  }

  func holds(_ fid: FID, _ host: Host) -> Bool {
    promises[fid]?[host] != nil
  }

  /// The hosts to tell that `fid` changed; their promises end. The one who changed it keeps his.
  mutating func breakPromises(for fid: FID, except writer: Host?, now: MonotonicTime) -> [Host] {
    guard let hosts = promises[fid] else { return [] }
    let kept = hosts.filter { $0.key == writer }
    promises[fid] = kept.isEmpty ? nil : kept
    return hosts.filter { $0.key != writer && $0.value > now }.map(\.key).sorted {
      $0.address.description < $1.address.description
    }
  }

  /// All hosts with a promise in the volume; the promises end.
  mutating func breakVolume(_ volume: VolumeID, now: MonotonicTime) -> [Host] {
    var hosts: Set<Host> = []
    for (fid, holders) in promises where fid.volume == volume {
      hosts.formUnion(holders.filter { $0.value > now }.keys)
      promises[fid] = nil
    }
    return hosts.sorted { $0.address.description < $1.address.description }
  }

  mutating func giveUp(_ fid: FID, _ host: Host) {
    promises[fid]?[host] = nil
    if promises[fid]?.isEmpty == true { promises[fid] = nil }
  }

  mutating func giveUpAll(_ host: Host) {
    for fid in Array(promises.keys) { giveUp(fid, host) }
  }

  /// Forgets promises without telling anybody, as a server that was restarted without its state.
  mutating func forgetSilently() {
    promises = [:]
    known = [:]
  }
}
