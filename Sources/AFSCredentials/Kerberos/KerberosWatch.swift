import AFSBase
import Synchronization

/// Notices when Kerberos tickets have changed, whatever kind of cache they lie in. Asking takes short system calls only.
///
/// Files and folders are looked at when somebody asks; so is a kernel keyring. A cache that a daemon keeps (KCM) is read on
/// a thread of its own, for nobody knows how long that takes: what has changed there is seen a second later.
final class KerberosWatch: Sendable {
  private struct Reading {
    var stamp: UInt64
    var startedAt: WallTime
    var isUnderWay = false
  }

  private enum Kind: Sendable {
    case files(KerberosStamp)
    case keyring(CacheContents)
    case daemon(CacheContents, KerberosThread)
  }

  private let kind: Kind
  private let wallTime: @Sendable () -> WallTime
  private let reading: Mutex<Reading>

  /// Seconds between two readings of a daemon's cache.
  private static let readingInterval: Int64 = 1

  /// - Parameters:
  ///   - name: the full name of what `source` means now. If that is a daemon's cache it is read once here: that may
  ///     block.
  init(_ source: KerberosSource, name: String, wallTime: @escaping @Sendable () -> WallTime) {
    self.wallTime = wallTime
    let files = KerberosStamp(name: name)
    if files.isWatchable {
      kind = .files(files)
    } else {
      var given: String?
      if case .cache(let name) = source { given = name }
      let contents = CacheContents(name: given)
      kind = name.hasPrefix("KEYRING:") ? .keyring(contents) : .daemon(contents, KerberosThread())
    }
    var stamp: UInt64 = 0
    if case .daemon(let contents, _) = kind { stamp = contents.stamp }
    reading = Mutex(Reading(stamp: stamp, startedAt: wallTime()))
  }

  var current: UInt64 {
    switch kind {
    case .files(let stamp): stamp.current
    case .keyring(let contents): contents.stamp
    case .daemon(let contents, let thread): lastReading(contents, thread)
    }
  }

  private func lastReading(_ contents: CacheContents, _ thread: KerberosThread) -> UInt64 {
    let now = wallTime()
    let (stamp, isDue) = reading.withLock { reading in
      // The clock may be set back.
      let isDue = !reading.isUnderWay && abs(now.seconds - reading.startedAt.seconds) >= Self.readingInterval
      if isDue { (reading.isUnderWay, reading.startedAt) = (true, now) }
      return (reading.stamp, isDue)
    }
    if isDue {
      let isTaken = thread.start { [weak self] in
        let stamp = contents.stamp
        self?.reading.withLock { ($0.stamp, $0.isUnderWay) = (stamp, false) }
      }
      if !isTaken { reading.withLock { $0.isUnderWay = false } }
    }
    return stamp
  }
}
