"""Metadata and contents of the package; the pinned environment is in requirements/."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION: dict[str, str] = {}
exec((ROOT / 'mmbfbox' / 'version.py').read_text(encoding='utf-8'), VERSION)
README = ROOT / 'README.md'

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
        'mmbfbox.search.report': ['page/*'],
        'mmbfbox.tools': ['**/*.py', '**/*.sh'],
    },
    exclude_package_data={'mmbfbox.tools': ['make_env.sh']},
    install_requires=[
        'matplotlib>=3.7',
        'numba>=0.61',
        'numpy>=2',
        'scipy>=1.10',
        'simplejpeg>=1.8',
        'torch>=2.1',
    ],
    extras_require={
        # Not required outright: forks with the same import names serve as well.
        'mm': ['mmcv>=2.0.0,<2.2.0', 'mmdet>=3.3.0,<4', 'mmengine>=0.10.7,<1'],
        'demo': ['scikit-image>=0.22'],
        'watch': ['tensorboard>=2.15'],
        'export': ['onnx>=1.15', 'onnxruntime>=1.17'],
        'dev': ['hypothesis>=6', 'mypy>=1.10', 'pytest>=8', 'pytest-xdist>=3.5', 'ruff>=0.9'],
    },
)
