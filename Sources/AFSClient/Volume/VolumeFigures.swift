package import AFSRPC

/// Sizes of a volume and its partition, in blocks of 1 KiB.
package struct VolumeFigures: Hashable, Sendable {
  /// 0 for none.
  package var quota: UInt64
  package var used: UInt64
  package var partitionSize: UInt64
  package var partitionAvailable: UInt64

  package init(quota: UInt64, used: UInt64, partitionSize: UInt64, partitionAvailable: UInt64) {
    self.quota = quota
    self.used = used
    self.partitionSize = partitionSize
    self.partitionAvailable = partitionAvailable
  }
}

extension AFSFetchVolumeStatus {
  /// The protocol's words are signed; servers send large partitions clamped (OpenAFS src/viced/afsfileprocs.c,
  /// RXGetVolumeStatus), and nonsense counts as 0.
  package var figures: VolumeFigures {
    VolumeFigures(
      quota: UInt64(clamping: maxQuota), used: UInt64(clamping: blocksInUse),
      partitionSize: UInt64(clamping: partitionBlocksMax),
      partitionAvailable: UInt64(clamping: partitionBlocksAvailable))
  }
}
