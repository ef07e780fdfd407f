import AFSClient
import AFSTypes
import Logging
import RxTransport

/// The cells that a client knows from the start, and how it finds others: files, command line, DNS.
struct Cells: Sendable {
  let configuration: CellConfiguration
  let resolver: any CellResolver

  /// - Parameter seed: of the order of servers.
  init(_ settings: MountSettings, seed: UInt64, logger: Logger) throws(Failure) {
    try self.init(
      configurationFolder: settings.configurationFolder, cell: settings.cell, cellServers: settings.cellServers,
      seed: seed, logger: logger)
  }

  init(
    configurationFolder: String?, cell: String?, cellServers: String?, seed: UInt64, logger: Logger
  ) throws(Failure) {
    let files: CellFiles
    do throws(CellFiles.Failure) {
      files = try CellFiles.load(configurationDirectory: configurationFolder)
    } catch {
      throw Failure(error.description)
    }
    do throws(CellConfiguration.Failure) {
      configuration = try CellConfiguration(
        files: files, request: .init(cell: cell, servers: cellServers), resolve: Self.resolve)
    } catch {
      throw Self.failure(error)
    }
    for warning in configuration.warnings { logger.warning("\(warning)") }
    resolver = DNSCellResolver(dns: SystemDNSResolver(), seed: seed)
  }

  private static func failure(_ error: CellConfiguration.Failure) -> Failure {
    switch error {
    // Whatever the files say, that was never right.
    case .badCellName, .badServer, .serversWithoutCell: Failure(usage: error.description)
    case .unknownCell, .unresolvableHost: Failure(error.description)
    }
  }

  /// A cell that no file and no option gives servers for must be known to DNS: a misspelt name fails the mount, not its
  /// first user.
  func requireLocalCell() async throws(Failure) {
    guard let name = configuration.localCell, !configuration.cells.contains(where: { $0.name == name }) else { return }
    let hint = "add it to CellServDB, or name its servers with --cell-servers HOST"
    let isKnown: Bool
    do throws(AFSError) {
      isKnown = try await resolver.locationServers(of: name) != nil
    } catch {
      throw Failure("cell \(name) is not in CellServDB, and DNS does not answer: \(hint)")
    }
    if !isKnown { throw Failure("cell \(name) is neither in CellServDB nor in DNS: \(hint)") }
  }

  private static func resolve(_ host: String) throws(CellConfiguration.HostFailure) -> [UInt32] {
    do throws(HostAddresses.Failure) {
      return try HostAddresses.ipv4(of: host)
    } catch {
      throw CellConfiguration.HostFailure(reason: error.reason)
    }
  }
}
