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
    let files: CellFiles
    do throws(CellFiles.Failure) {
      files = try CellFiles.load(configurationDirectory: settings.configurationFolder)
    } catch {
      throw Failure(error.description)
    }
    do throws(CellConfiguration.Failure) {
      configuration = try CellConfiguration(
        files: files, request: .init(cell: settings.cell, servers: settings.cellServers), resolve: Self.resolve)
    } catch {
      throw Failure(error.description)
    }
    for warning in configuration.warnings { logger.warning("\(warning)") }
    resolver = DNSCellResolver(dns: SystemDNSResolver(), seed: seed)
  }

  private static func resolve(_ host: String) throws(CellConfiguration.HostFailure) -> [UInt32] {
    do throws(HostAddresses.Failure) {
      return try HostAddresses.ipv4(of: host)
    } catch {
      throw CellConfiguration.HostFailure(reason: error.reason)
    }
  }
}
