package import AFSBase
package import AFSTypes
package import RxCore
import Synchronization

/// A cell: its volume location servers, and the volumes met in it.
package final class Cell: Sendable {
  private struct State {
    var locationServers: [RxAddress]
    /// When names from DNS must be asked for again; nil for configured ones.
    var serversEnd: MonotonicTime?
    /// Whether a location server has answered the last question put to it.
    var answering: [RxAddress: Bool] = [:]
    var lookupFailure: (error: AFSError, time: MonotonicTime, isSilence: Bool)?
    var volumes: [VolumeID: Volume] = [:]
    /// Volumes by the name that was asked for; names that do not exist are remembered for a short time.
    var names = RecencyMap<String, (answer: VolumeLocation?, end: MonotonicTime)>()
  }

  /// Names kept at most.
  private static let nameCountMax = 20_000

  /// As the client met it; never 0.
  package let number: UInt32
  package let name: CellName
  package let fileIDs: FileIDHash
  /// Held while a volume is looked up.
  package let lookupLock = AsyncLock()
  private let state: Mutex<State>

  package init(number: UInt32, name: CellName, locationServers: [RxAddress], serversEnd: MonotonicTime?) {
    self.number = number
    self.name = name
    fileIDs = FileIDHash(cell: name.text)
    state = Mutex(State(locationServers: locationServers, serversEnd: serversEnd))
  }

  // MARK: Location servers

  /// In the order in which they are to be tried.
  package var locationServers: [RxAddress] { state.withLock { $0.locationServers } }

  package func needsServers(now: MonotonicTime) -> Bool {
    state.withLock { state in state.serversEnd.map { $0 <= now } ?? state.locationServers.isEmpty }
  }

  package func setLocationServers(_ servers: [RxAddress], until end: MonotonicTime) {
    state.withLock { state in
      state.locationServers = servers
      state.serversEnd = end
    }
  }

  /// No location server could answer.
  /// - Parameter isSilence: no location server gave a sign of life.
  package func lookupFailed(_ error: AFSError, isSilence: Bool, now: MonotonicTime) {
    state.withLock { $0.lookupFailure = (error, now, isSilence) }
  }

  /// For how long silence is believed to go on: every access would wait for it anew.
  package static let silenceValidity = Duration.seconds(10)

  /// The failure of a lookup which ended after `time`, or shortly before in silence.
  package func lookupFailure(since time: MonotonicTime) -> AFSError? {
    state.withLock { state in
      guard let failure = state.lookupFailure else { return nil }
      let end = failure.isSilence ? failure.time + Self.silenceValidity : failure.time
      return end > time ? failure.error : nil
    }
  }

  /// Whether a location server is up; nil before it was asked anything.
  package func isUp(_ server: RxAddress) -> Bool? { state.withLock { $0.answering[server] } }

  package func locationServerAnswered(_ server: RxAddress) {
    state.withLock { $0.answering[server] = true }
  }

  /// A server which could not answer is tried last from now on.
  /// - Parameter isSilent: it gave no sign of life.
  /// - Returns: whether that is news.
  package func locationServerFailed(_ server: RxAddress, isSilent: Bool) -> Bool {
    state.withLock { state in
      let isNews = state.answering.updateValue(!isSilent, forKey: server) != false && isSilent
      if let index = state.locationServers.firstIndex(of: server) {
        state.locationServers.append(state.locationServers.remove(at: index))
      }
      return isNews
    }
  }

  // MARK: Volumes

  package func volume(_ id: VolumeID) -> Volume? {
    state.withLock { $0.volumes[id] }
  }

  package var volumes: [Volume] { state.withLock { Array($0.volumes.values) } }

  /// The volume, made or given its new location. Volumes stay: their number is bounded by those used.
  package func volume(_ id: VolumeID, kind: Volume.Kind, at location: VolumeLocation, until end: MonotonicTime)
    -> Volume
  {
    let (volume, isNew) = state.withLock { state -> (Volume, Bool) in
      if let volume = state.volumes[id] { return (volume, false) }
      let volume = Volume(cell: self, id: id, kind: kind, location: location, until: end)
      state.volumes[id] = volume
      return (volume, true)
    }
    if !isNew { volume.setLocation(location, until: end) }
    return volume
  }

  /// What is remembered of a name: nil when nothing is, `.some(nil)` when no volume has it.
  package func location(of name: String, now: MonotonicTime) -> VolumeLocation?? {
    state.withLock { state in
      guard let known = state.names.use(name), known.end > now else { return nil }
      return .some(known.answer)
    }
  }

  package func remember(_ location: VolumeLocation?, as name: String, until end: MonotonicTime) {
    state.withLock { state in
      state.names.insert((location, end), for: name)
      if state.names.count > Self.nameCountMax, let oldest = state.names.oldestKey { state.names.remove(oldest) }
    }
  }

  package func forget(name: String) {
    state.withLock { _ = $0.names.remove(name) }
  }
}
