"""Metadata and contents of the package; the pinned environment is in requirements/."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION: dict[str, str] = {}
exec((ROOT / 'mmbfbox' / 'version.py').read_text(encoding='utf-8'), VERSION)
README = ROOT / 'README.md'

# OpenCV 5 is another library in places, and nothing here has been tested with it.
OPENCV = '>=4.12,<5'

# Training, search, evaluation and export, without mmcv.
TRAINING = [
    'matplotlib>=3.7',
    'mmdet>=3.3.0,<4',
    'mmengine>=0.10.7,<1',
    'numba>=0.61',
    'onnx>=1.17',
    # mmengine asks for it: two builds of one version share their files.
    f'opencv-python{OPENCV}',
    'safetensors>=0.4',
    'scipy>=1.10',
    'simplejpeg>=1.8',
    # Checkpoints are loaded without unpickling, which is safe only from here on (CVE-2025-32434).
    'torch>=2.6',
]
TRAIN = [*TRAINING, 'mmbfbox-ops>=0.1', 'mmcv-lite>=2.0.0,<2.2.0']

# Of the checkout, not of a package.
NOT_SHIPPED = 'make_env.sh'


class BuildWithIndex(build_py):
    """Adds ``.mim``, where OpenMMLab's tools look for a package's model index, configs and tools."""

    def run(self) -> None:
        super().run()
        if getattr(self, 'editable_mode', False):
            return
        folder = Path(self.build_lib) / 'mmbfbox' / '.mim'
        shutil.rmtree(folder, ignore_errors=True)
        skipped = shutil.ignore_patterns('__pycache__', NOT_SHIPPED)
        for name in ('configs', 'tools'):
            shutil.copytree(ROOT / name, folder / name, ignore=skipped)
        shutil.copy(ROOT / 'model-index.yml', folder)


setup(
    name='mmbfbox',
    version=VERSION['__version__'],
    description='BFBox: architecture search of backbone and FPN for face detection, on MMDetection',
    long_description=README.read_text(encoding='utf-8') if README.exists() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3 :: Only',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    entry_points={'console_scripts': ['mmbfbox = mmbfbox.__main__:main']},
    python_requires='>=3.10',
    packages=[*find_packages(include=['mmbfbox', 'mmbfbox.*']), 'mmbfbox.configs', 'mmbfbox.tools'],
    # In the checkout they stand beside the package, where MMDetection users look for them.
    package_dir={'mmbfbox.configs': 'configs', 'mmbfbox.tools': 'tools'},
    package_data={
        'mmbfbox.configs': ['**/*.py', '**/*.md', '**/*.yml'],
        'mmbfbox.deploy': ['weights/*'],
        'mmbfbox.pipeline.run_report': ['page/*'],
        'mmbfbox.search.report': ['page/*', '*.json'],
        'mmbfbox.tools': ['**/*.py', '**/*.sh'],
        'mmbfbox.utils.page': ['*.css', '*.html', '*.js'],
    },
    exclude_package_data={'mmbfbox.tools': [NOT_SHIPPED]},
    cmdclass={'build_py': BuildWithIndex},
    # Enough to detect faces with what has been exported; the numbers are the oldest that the tests ran with.
    install_requires=['numpy>=2', 'onnxruntime>=1.23.2', f'opencv-python-headless{OPENCV}'],
    extras_require={
        'openvino': ['openvino>=2026.4'],
        'train': TRAIN,
        # The same for those who compile mmcv themselves, and its old name.
        'mm': [*TRAINING, 'mmcv>=2.0.0,<2.2.0'],
        'demo': [*TRAIN, 'scikit-image>=0.22'],
        # The site of the documents: make docs.
        'docs': [
            'mkdocs>=1.6,<2',
            'mkdocs-material>=9.6',
            'mkdocstrings>=1',
            'mkdocstrings-python>=2',
        ],
        'watch': ['tensorboard>=2.15'],
        'dev': [
            'hypothesis>=6',
            'import-linter>=2',
            'mypy>=1.10',
            'pytest>=8',
            'pytest-cov>=5',
            'pytest-xdist>=3.5',
            'ruff>=0.9',
        ],
    },
)
