# SPDX-License-Identifier: Apache-2.0
# nifti -- what tests do to NIfTI files. Perl, which every Debian with a compiler has.
#   nifti.pl grid FILE             dim, datatype, pixdim and sform, a line
#   nifti.pl counts FILE           "value count" lines
#   nifti.pl at FILE X Y Z         the value of the voxel at a place, mm RAS; 0 outside
#   nifti.pl noise FROM TO         the same image with voxels at random
#   nifti.pl flip AXES FROM TO     the same image, stored backwards along AXES ("xz"); its sform says so
#   nifti.pl twice - FROM TO       the same image with eight voxels in place of each
#   nifti.pl move MM[,MM,MM] FROM TO   the same image, so far to the right (, to the front, up)
#   nifti.pl mark VALUE FROM TO    VALUE where it is not 0
#   nifti.pl edit A=B,... FROM TO  values A become B
use strict;
use warnings;

my %type = (2 => ['C', 1], 4 => ['s<', 2], 16 => ['f<', 4], 512 => ['S<', 2]);

sub slurp {
    my ($path) = @_;
    open my $in, '-|', 'gzip', '-dc', $path or die "$path: $!";
    binmode $in;
    local $/;
    return <$in>;
}

my ($verb, @words) = @ARGV;
my $path = @words > 1 && $verb !~ /^(at|noise)$/ ? $words[1] : $words[0];
my $file = slurp($path);
my ($dims, @dim) = unpack 's<8', substr $file, 40, 16;
my $datatype = unpack 's<', substr $file, 70, 2;
my $begin = int unpack 'f<', substr $file, 108, 4;
my @sform = unpack 'f<12', substr $file, 280, 48;
my ($letter, $size) = @{$type{$datatype}};
my ($nx, $ny, $nz) = @dim;

if ($verb eq 'grid') {
    my @pixdim = unpack 'f<4', substr $file, 76, 16;
    printf "%d x %d x %d, pixdim %s, sform_code %d, sform %s\n", @dim[0 .. 2], join(' ', map { sprintf '%.5g', $_ } @pixdim[1 .. 3]),
        unpack('s<', substr $file, 254, 2), join ' ', map { sprintf '%.5g', $_ } @sform;
} elsif ($verb eq 'counts') {
    my %count;
    $count{$_}++ for unpack "($letter)*", substr $file, $begin;
    print "$_ $count{$_}\n" for sort { $a <=> $b } keys %count;
} elsif ($verb eq 'at') {
    my ($p, @i) = \@sform;
    my @to = map { $words[$_ + 1] - $p->[4 * $_ + 3] } 0 .. 2;
    my $det = sub { # of the matrix whose column a (if any) is @to
        my ($a) = @_;
        my @m = map { my $r = $_; [map { defined $a && $_ == $a ? $to[$r] : $p->[4 * $r + $_] } 0 .. 2] } 0 .. 2;
        return $m[0][0] * ($m[1][1] * $m[2][2] - $m[1][2] * $m[2][1]) - $m[0][1] * ($m[1][0] * $m[2][2] - $m[1][2] * $m[2][0]) +
            $m[0][2] * ($m[1][0] * $m[2][1] - $m[1][1] * $m[2][0]);
    };
    @i = map { sprintf '%.0f', $det->($_) / $det->() } 0 .. 2;
    my $inside = !grep { $i[$_] < 0 || $i[$_] >= $dim[$_] } 0 .. 2;
    print $inside ? unpack($letter, substr $file, $begin + (($i[2] * $ny + $i[1]) * $nx + $i[0]) * $size, $size) : 0, "\n";
} elsif ($verb eq 'noise') {
    srand 7;
    open my $out, '|-', "gzip -1 >'$words[1]'" or die "$words[1]: $!";
    binmode $out;
    print $out substr($file, 0, $begin), join '', map { chr int rand 100 } 1 .. $nx * $ny * $nz * $size;
    close $out or die "$words[1]: $!";
} else {
    my $data = substr $file, $begin, $nx * $ny * $nz * $size;
    my $row = $nx * $size;
    if ($verb eq 'move') {
        my @by = split /,/, $words[0];
        $sform[4 * $_ + 3] += $by[$_] for 0 .. $#by;
    } elsif ($verb eq 'mark') {
        $data = pack "($letter)*", map { $_ ? $words[0] : 0 } unpack "($letter)*", $data;
    } elsif ($verb eq 'edit') {
        my %to = map { split /=/ } split /,/, $words[0];
        $data = pack "($letter)*", map { $to{$_} // $_ } unpack "($letter)*", $data;
    } elsif ($verb eq 'twice') {
        my $large = '';
        for my $z (0 .. $nz - 1) {
            my $slice = '';
            for my $y (0 .. $ny - 1) {
                my $wide = join '', map { $_ x 2 } unpack "(a$size)*", substr $data, ($z * $ny + $y) * $row, $row;
                $slice .= $wide x 2;
            }
            $large .= $slice x 2;
        }
        $data = $large;
        for my $i (0 .. 2) {
            $sform[4 * $i + 3] -= ($sform[4 * $i] + $sform[4 * $i + 1] + $sform[4 * $i + 2]) / 4;
            $sform[4 * $i + $_] /= 2 for 0 .. 2;
        }
        substr($file, 42, 6) = pack 's<3', map { 2 * $_ } @dim[0 .. 2];
        substr($file, 80, 12) = pack 'f<3', map { $_ / 2 } unpack 'f<3', substr $file, 80, 12;
    }
    for my $axis ($verb eq 'flip' ? split //, $words[0] : ()) {
        my $a = index 'xyz', $axis;
        my $turned = '';
        if ($axis eq 'z') {
            $turned .= substr $data, $_ * $ny * $row, $ny * $row for reverse 0 .. $nz - 1;
        } elsif ($axis eq 'y') {
            for my $z (0 .. $nz - 1) {
                $turned .= substr $data, ($z * $ny + $_) * $row, $row for reverse 0 .. $ny - 1;
            }
        } else {
            $turned = join '', map { join '', reverse unpack "(a$size)*", substr $data, $_ * $row, $row } 0 .. $ny * $nz - 1;
        }
        $data = $turned;
        for my $i (0 .. 2) { # voxel k is where n-1-k was
            $sform[4 * $i + 3] += $sform[4 * $i + $a] * ($dim[$a] - 1);
            $sform[4 * $i + $a] *= -1;
        }
    }
    substr($file, 252, 2) = pack 's<', 0; # no qform
    substr($file, 280, 48) = pack 'f<12', @sform;
    open my $out, '|-', "gzip -1 >'$words[2]'" or die "$words[2]: $!";
    binmode $out;
    print $out substr($file, 0, $begin), $data;
    close $out or die "$words[2]: $!";
}
