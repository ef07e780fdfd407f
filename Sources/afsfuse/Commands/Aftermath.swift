import AFSBase
import AFSControl
import Glibc

/// What goes on after a mount was detached, for whoever asked for that.
enum Aftermath {
  /// A daemon without users and changes has ended by then.
  private static let patience: Duration = .seconds(1)

  /// - Returns: nil when the daemon ends soon.
  static func status(of socket: ControlSocket) -> MountStatus? {
    let deadline = SystemClock.monotonic + patience
    while true {
      guard case .status(let status)? = try? ControlClient.ask(.status, at: socket, seconds: 5) else { return nil }
      if SystemClock.monotonic >= deadline { return status }
      usleep(50_000)
    }
  }

  static func text(_ path: String, _ status: MountStatus) -> String {
    "\(path) is detached; its daemon (process \(status.processID)) goes on until its last user is gone"
      + (unstored(status).map { ", and stores what is changed: \($0)" } ?? "")
  }

  private static func unstored(_ status: MountStatus) -> String? {
    func count(_ name: String) -> Int64 { status.counts.first { $0.name == name }?.value ?? 0 }
    let files = count("dirty files")
    return files == 0 ? nil : "\(files) \(files == 1 ? "file" : "files"), \(count("dirty bytes")) bytes so far"
  }

  /// - Parameter outcome: of asking the daemon; nil for one that has answered, or is gone.
  static func ofMute(_ path: String, _ outcome: MountAnswer.Outcome) -> String? {
    switch outcome {
    case .failed, .silent, .foreign:
      "\(path) is detached; its daemon could not be asked, and may hold changes that are not stored"
    case .reply, .dead, .otherProgram: nil
    }
  }
}
