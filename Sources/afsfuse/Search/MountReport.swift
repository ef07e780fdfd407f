import AFSControl
import ArgumentParser
import Glibc

/// What daemons say to a command that shows it, of all mounts or of one.
struct MountReport {
  let answers: [MountAnswer]
  /// The one mount that is asked for.
  private let path: String?

  /// Asks, and prints what has failed; what does not answer at all is left to `show`, which prints the rest. Then the
  /// command ends with 1 when something is wrong.
  /// - Parameter mountPoint: as the user names it; nil for all mounts.
  static func run(
    _ request: ControlRequest, of mountPoint: String?, show: (MountReport) throws(Failure) -> Void
  ) throws {
    let report: MountReport
    do throws(Failure) {
      report = try MountReport(request, of: mountPoint)
      try show(report)
    } catch {
      throw error.report()
    }
    if !report.isWell { throw ExitCode(1) }
  }

  private init(_ request: ControlRequest, of mountPoint: String?) throws(Failure) {
    var path: String?
    if let mountPoint { path = try MountPath.resolved(mountPoint) }
    answers = MountSearch.ofOwner.ask(request, seconds: 5, at: path)
    self.path = path
    for failure in answers.filter({ $0.outcome != .silent }).compactMap(\.failure) { printError("afsfuse: \(failure)") }
  }

  /// There is nothing to show: an error for the one mount that is asked for.
  func showNothing() throws(Failure) {
    if let path { throw Failure("no daemon of afsfuse serves \(path)") }
  }

  private var isWell: Bool { !answers.contains { path == nil ? $0.isTrouble(of: geteuid()) : $0.isTrouble } }
}
