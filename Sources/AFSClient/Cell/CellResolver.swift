public import AFSTypes
public import RxCore

/// Finds the database servers of cells that the configuration does not name: by DNS in production.
public protocol CellResolver: Sendable {
  /// The volume location servers of `cell`, and for how long the answer may be kept; nil when there is no such cell.
  func locationServers(of cell: CellName) async throws(AFSError) -> (servers: [RxAddress], validity: Duration)?
}
